package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"github.com/weirstream/weir/cmd/weir/console"
	"github.com/weirstream/weir/configs"
)

func newRunCommand() *cobra.Command {
	var http, level, tokenFile, advertise string
	var files httpsFiles
	var keepSeat, logJSON, watch bool
	var createSource int
	cmd := &cobra.Command{
		Use:   "run FILE...",
		Short: "Run pipelines until stopped; SIGTERM drains, seals and leaves the group",
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				return usageError{errors.New("run needs at least one pipeline file")}
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, paths []string) error {
			log, err := newLogger(level, logJSON)
			if err != nil {
				return usageError{err}
			}
			token, err := apiToken(tokenFile)
			if err != nil {
				return usageError{err}
			}
			if createSource < 0 {
				return usageError{fmt.Errorf("--create-source=%d must be a number of partitions, or 0", createSource)}
			}
			if err := errors.Join(files.check(), checkAdvertised(advertise)); err != nil {
				return usageError{err}
			}
			return runPipelines(cmd.Context(), paths, runOptions{HTTP: http, Token: token, TokenFile: tokenFile, HTTPS: files, Advertise: advertise, KeepSeat: keepSeat, Logger: log, Watch: watch, CreateSource: createSource})
		},
	}
	cmd.Flags().StringVar(&http, "http", "127.0.0.1:9464", "address for the console, /metrics, /healthz, /readyz and /v1; empty: none")
	cmd.Flags().StringVar(&tokenFile, "api-token-file", "", "file with the token that /v1 asks for, in place of $WEIR_API_TOKEN, read again as it changes; without either, /v1 is there on loopback only")
	cmd.Flags().StringVar(&files.Cert, "http-cert", "", "file with the certificate of --http (PEM), which then is HTTPS; read again when it changes")
	cmd.Flags().StringVar(&files.Key, "http-key", "", "file with the key of --http-cert")
	cmd.Flags().StringVar(&files.ClientCA, "http-client-ca", "", "file with the authorities (PEM) of which one must have signed the certificate of whoever connects to --http")
	cmd.Flags().StringVar(&advertise, "advertise-url", "", "URL of this process's /v1 for others, to which questions about its devices are sent on; default: from --http, unless that is loopback")
	cmd.Flags().BoolVar(&keepSeat, "keep-seat", false, "keep the group seat at a stop, for a restart within 10 s")
	cmd.Flags().IntVar(&createSource, "create-source", 0, "make a source topic that is missing, with so many partitions and brokers' append times")
	cmd.Flags().BoolVar(&watch, "watch", true, "reload a file when it changes, as at SIGHUP and POST /v1/reload")
	cmd.Flags().StringVar(&level, "log-level", "info", "debug, info, warn or error")
	cmd.Flags().BoolVar(&logJSON, "log-json", false, "log as JSON instead of text")
	return cmd
}

type runOptions struct {
	HTTP  string
	Token string // of the HTTP API; empty: it is there on loopback only
	// TokenFile is where Token was read, and is read again; empty: nowhere.
	TokenFile string
	HTTPS     httpsFiles
	// Advertise is where others reach the API; empty: where it listens.
	Advertise    string
	KeepSeat     bool
	Logger       *slog.Logger
	Watch        bool // the files
	CreateSource int  // partitions of source topics that are missing; 0: they must be there
}

// newLogger logs to standard error.
func newLogger(level string, asJSON bool) (*slog.Logger, error) {
	var l slog.Level
	if err := l.UnmarshalText([]byte(level)); err != nil {
		return nil, fmt.Errorf("--log-level %q must be debug, info, warn or error", level)
	}
	options := &slog.HandlerOptions{Level: l}
	if asJSON {
		return slog.New(slog.NewJSONHandler(os.Stderr, options)), nil
	}
	return slog.New(slog.NewTextHandler(os.Stderr, options)), nil
}

// runPipelines runs each file's pipeline. All files are checked before anything
// starts; one that fails stops all.
func runPipelines(ctx context.Context, files []string, o runOptions) error {
	hangup, stopHangups := hangups() // before anything else, and until all is over
	defer stopHangups()
	var pipelines []*configs.Pipeline
	var bad []error
	for _, path := range files {
		p, err := loadPipeline(path, func(d configs.Diagnostic) { o.Logger.Warn(d.String()) })
		if err != nil {
			bad = append(bad, err)
			continue
		}
		for _, other := range pipelines {
			if other.Name == p.Name {
				bad = append(bad, fmt.Errorf("%s: name %q is also that of another file: two pipelines of one name would share group, journal and state", path, p.Name))
			}
		}
		pipelines = append(pipelines, p)
	}
	if err := errors.Join(bad...); err != nil {
		return err
	}
	var instances []*instance
	defer func() {
		for _, i := range instances {
			i.Close()
		}
	}()
	for k, p := range pipelines {
		i, err := openInstance(p, instanceOptions{KeepSeat: o.KeepSeat, Logger: o.Logger, CreateSource: o.CreateSource})
		if err != nil {
			return err
		}
		i.follow(files[k])
		instances = append(instances, i)
	}
	group, ctx := errgroup.WithContext(ctx)
	outside, err := newOutside(instances)
	if err != nil {
		return err
	}
	if o.HTTP != "" {
		if err := outside.listen(o.HTTP); err != nil {
			return err
		}
		outside.api = newAPI(instances, o.Token, o.Logger)
		if o.TokenFile != "" {
			outside.api.tokens = newTokenFile(o.TokenFile, o.Token, o.Logger)
		}
		outside.console = console.Handler()
		if err := outside.secure(o); err != nil {
			return err
		}
		o.Logger.Info("http listens", "address", outside.addr())
		group.Go(func() error { return outside.serve(ctx) })
	}
	manager := newServiceManager(instances, o.Logger)
	group.Go(func() error { manager.run(ctx); return nil })
	group.Go(func() error { onHangup(ctx, hangup, instances, manager); return nil })
	for _, i := range instances {
		if o.Watch {
			group.Go(func() error { i.watchFile(ctx); return nil })
		}
		group.Go(func() error {
			if err := i.Run(ctx); err != nil {
				return fmt.Errorf("pipeline %q: %w", i.work().pipeline.Name, err)
			}
			return nil
		})
	}
	return group.Wait()
}
