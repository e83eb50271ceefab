package main

import (
	"errors"
	"fmt"
	"net"
	"strconv"
	"syscall"
)

// listenError says why nothing can listen on the address of --http, and what to do about it.
func listenError(address string, err error) error {
	host, port, split := net.SplitHostPort(address)
	switch {
	case split != nil:
		return fmt.Errorf("--http %s must be host:port, such as 127.0.0.1:9464, or empty for none: %w", address, err)
	case errors.Is(err, syscall.EADDRINUSE):
		return fmt.Errorf("--http %s is taken, by another weir or another program: take another port with --http %s, any free one with --http %s, or go without console, metrics and API with --http '': %w",
			address, net.JoinHostPort(host, nextPort(port)), net.JoinHostPort(host, "0"), err)
	case errors.Is(err, syscall.EACCES):
		return fmt.Errorf("--http %s needs rights this process does not have (ports below 1024 usually do): take a higher one, such as --http %s: %w", address, net.JoinHostPort(host, "9464"), err)
	case errors.Is(err, syscall.EADDRNOTAVAIL):
		return fmt.Errorf("--http %s is no address of this machine: take 127.0.0.1 for this machine alone, or 0.0.0.0 for everybody: %w", address, err)
	}
	return fmt.Errorf("--http %s: %w", address, err)
}

// nextPort is the port to propose in place of one that is taken.
func nextPort(port string) string {
	if n, err := strconv.Atoi(port); err == nil && n < 65535 {
		return strconv.Itoa(n + 1)
	}
	return "0"
}
