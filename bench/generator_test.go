package main

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestReadingsAreOfOneSizeAndValid(t *testing.T) {
	in := newInput(inputOptions{Devices: 1000, IntervalMs: 1000})
	for k := range int64(2_000) {
		r := in.at(k)
		text := appendValue(nil, r)
		require.Len(t, text, readingBytes, "%s", text)
		var got struct {
			Device, Metric, Unit string
			TS                   int64
			Value                float64
		}
		require.NoError(t, json.Unmarshal(text, &got))
		require.Equal(t, string(appendKey(nil, r.device)), got.Device)
		require.Equal(t, r.ts, got.TS)
		require.Equal(t, r.value(), got.Value)
		require.Equal(t, metricName, got.Metric)
		device, ok := deviceOf(appendKey(nil, r.device))
		require.True(t, ok)
		require.Equal(t, r.device, device)
	}
	require.Equal(t, `{"device":"pump-0000042","metric":"temperature","ts":1772366400123,"value":21.375,"unit":"C","p":"x"}`,
		string(appendValue(nil, reading{device: 42, ts: 1_772_366_400_123, milli: 21_375})))
}

func TestInputIsAFunctionOfItsOptions(t *testing.T) {
	a, b := newInput(inputOptions{Devices: 777, IntervalMs: 500}), newInput(inputOptions{Devices: 777, IntervalMs: 500})
	perDevice := map[int32][]reading{}
	for k := range int64(5_000) {
		require.Equal(t, a.at(k), b.at(k))
		perDevice[a.at(k).device] = append(perDevice[a.at(k).device], a.at(k))
	}
	for device := range int32(777) {
		require.Equal(t, perDevice[device], a.ofDevice(device, 5_000, nil))
	}
}

func TestInputIsOutOfOrderWithinBounds(t *testing.T) {
	in := newInput(inputOptions{Devices: 100, IntervalMs: 1000})
	newest, worst, crossed := int64(0), int64(0), 0
	last := map[int32]int64{}
	const n = 20_000
	for k := range int64(n) {
		r := in.at(k)
		worst = max(worst, newest-r.ts)
		newest = max(newest, r.ts)
		require.Less(t, r.ts, in.lastMs(k+1))
		if hot(r.device) {
			require.Greater(t, r.ts, last[r.device], "a hot device is in order")
			last[r.device] = r.ts
		} else {
			require.LessOrEqual(t, r.value(), float64(firingAbove), "only hot devices fire")
		}
	}
	require.Less(t, worst, int64(disorderMs))
	require.Greater(t, worst, int64(disorderMs/2), "it is out of order")
	for device := range int32(100) {
		crossed += len(alertsOf(in.ofDevice(device, n, nil)))
	}
	require.InDelta(t, n/100, crossed, n/1000, "an alert event for each hundred readings")
}

func TestEveryDeviceSendsOnceInARound(t *testing.T) {
	for _, devices := range []int{10, 500, 1000, 9_999} {
		in := newInput(inputOptions{Devices: devices, IntervalMs: 1000})
		for round := range int64(4) {
			seen := map[int32]bool{}
			for position := range int64(devices) {
				device := in.device(position, round)
				require.Equal(t, position, in.position(device, round))
				seen[device] = true
			}
			require.Len(t, seen, devices)
		}
	}
}
