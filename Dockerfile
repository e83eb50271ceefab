# syntax=docker/dockerfile:1
#
#   docker build --build-arg VERSION=$(git describe --tags --always) -t weir .
#   docker run -e WEIR_API_TOKEN -v ./plant:/etc/weir:ro -v weir:/var/lib/weir -p 127.0.0.1:9464:9464 weir
#
# The image holds the binary, the certificates of public authorities and an empty folder for state; time zones are in the binary.

FROM --platform=$BUILDPLATFORM golang:1.26-bookworm AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN --mount=type=cache,target=/go/pkg/mod go mod download
COPY . .
ARG TARGETOS=linux
ARG TARGETARCH
ARG VERSION=
RUN --mount=type=cache,target=/go/pkg/mod --mount=type=cache,target=/root/.cache/go-build \
    CGO_ENABLED=0 GOOS=$TARGETOS GOARCH=$TARGETARCH \
    go build -buildvcs=false -trimpath -ldflags "-s -w -X main.stamp=$VERSION" -o /out/weir ./cmd/weir \
    && mkdir -p /out/state

FROM scratch
LABEL org.opencontainers.image.title="weir" \
      org.opencontainers.image.description="Exactly-once windows and alerts for fleets of sensors" \
      org.opencontainers.image.source="https://github.com/weirstream/weir" \
      org.opencontainers.image.licenses="Apache-2.0"
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
COPY --from=build /out/weir /weir
# A volume that is empty takes its owner from here.
COPY --from=build --chown=65532:65532 /out/state /var/lib/weir
USER 65532:65532
# state.dir is ./state where the file does not say.
WORKDIR /var/lib/weir
VOLUME /var/lib/weir
EXPOSE 9464
STOPSIGNAL SIGTERM
# /healthz and not /readyz: what restarts unhealthy containers must not restart one that recovers.
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s CMD ["/weir", "health", "http://127.0.0.1:9464/healthz"]
ENTRYPOINT ["/weir"]
CMD ["run", "--http", "0.0.0.0:9464", "/etc/weir/pipeline.yaml"]
