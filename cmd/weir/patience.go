package main

import (
	"net/http"
	"time"
)

// patience is how long the listener of --http bears a client that does not move. Without an end to it clients that are stuck, or mean to be,
// would hold a connection and its memory for good. Zero: for ever.
type patience struct {
	header  time.Duration // for the head of a request, and for the handshake of TLS
	request time.Duration // for the whole of a request
	answer  time.Duration // from the head of a request to the end of its answer; streams and profiles say how long they take
	idle    time.Duration // between two requests of a connection
}

// usualPatience leaves a reload, the slowest of answers, twice the minute it may take.
func usualPatience() patience {
	return patience{header: 5 * time.Second, request: 30 * time.Second, answer: 2 * time.Minute, idle: 2 * time.Minute}
}

func (p patience) server(handler http.Handler) *http.Server {
	return &http.Server{Handler: handler, ReadHeaderTimeout: p.header, ReadTimeout: p.request, WriteTimeout: p.answer, IdleTimeout: p.idle}
}
