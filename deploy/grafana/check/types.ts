// What a dashboard file of ours may hold: the types of @grafana/schema, with each kind of panel's own, as JSON has them.
import type { Dashboard, DataQuery, DataSourceRef, FieldConfig, FieldConfigSource, Panel, RowPanel, VariableModel } from '@grafana/schema';
import type { Options as BarGauge } from '@grafana/schema/dist/esm/raw/composable/bargauge/panelcfg/x/BarGaugePanelCfg_types.gen';
import type { Options as Heatmap, FieldConfig as HeatmapField } from '@grafana/schema/dist/esm/raw/composable/heatmap/panelcfg/x/HeatmapPanelCfg_types.gen';
import type { Options as Stat } from '@grafana/schema/dist/esm/raw/composable/stat/panelcfg/x/StatPanelCfg_types.gen';
import type { Options as StateTimeline, FieldConfig as StateTimelineField } from '@grafana/schema/dist/esm/raw/composable/statetimeline/panelcfg/x/StateTimelinePanelCfg_types.gen';
import type { Options as Table, FieldConfig as TableField } from '@grafana/schema/dist/esm/raw/composable/table/panelcfg/x/TablePanelCfg_types.gen';
import type { Options as TimeSeries, FieldConfig as TimeSeriesField } from '@grafana/schema/dist/esm/raw/composable/timeseries/panelcfg/x/TimeSeriesPanelCfg_types.gen';

// Json is a type with the values of enums in place of the enums.
type Json<T> = unknown extends T
  ? T
  : T extends string
    ? `${T}`
    : T extends number
      ? `${T}` extends `${infer N extends number}`
        ? N
        : number
      : T extends Array<infer E>
        ? Array<Json<E>>
        : T extends object
          ? { [K in keyof T]: Json<T[K]> }
          : T;

// Target is a query to Prometheus. The package does not export that of the data source.
interface Target extends Omit<DataQuery, 'datasource'> {
  datasource: DataSourceRef;
  expr: string;
  legendFormat: string;
  range?: boolean;
  instant?: boolean;
  format?: 'time_series' | 'table' | 'heatmap';
}

interface Of<Kind extends string, Options, Custom> extends Omit<Panel, 'type' | 'options' | 'fieldConfig' | 'targets'> {
  type: Kind;
  id: number;
  title: string;
  description: string;
  targets: Target[];
  options: Partial<Options>;
  fieldConfig: Omit<FieldConfigSource, 'defaults'> & { defaults: Omit<FieldConfig, 'custom'> & { unit: string; custom?: Custom } };
}

type Known =
  | RowPanel
  | Of<'bargauge', BarGauge, never>
  | Of<'heatmap', Heatmap, HeatmapField>
  | Of<'stat', Stat, never>
  | Of<'state-timeline', StateTimeline, StateTimelineField>
  | Of<'table', Table, TableField>
  | Of<'timeseries', TimeSeries, TimeSeriesField>;

export type Board = Json<
  Omit<Dashboard, 'panels' | 'templating'> & { uid: string; title: string; description: string; panels: Known[]; templating: { list: VariableModel[] } }
>;
