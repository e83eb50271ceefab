//go:build real

package chaos

func brokerScripts() map[string]script { return nil }
