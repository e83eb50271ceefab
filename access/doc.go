// Package access is how weir gets in at the systems it talks to: the address, TLS with or without a certificate of its own, and the login.
//
// Every client of Kafka gets its options from Kafka.Client, those of MQTT and HTTP dial through a Door. So there is one place that
// reads certificates, passwords and tokens, reads them again at each new connection, and knows which setting of the pipeline file
// an error comes from:
//
//	dial ──▶ handshake ──▶ first answer ──▶ login ──▶ requests
//	 │          │              │              │          └ denied ACL: Kafka.Explain names the principal's setting
//	 │          │              │              └ kafka.sasl.*, mqtt.username and password
//	 │          │              └ the server refuses the client's certificate, or speaks TLS, or does not
//	 │          └ tls.ca, tls.server_name, tls.cert
//	 └ kafka.brokers, mqtt.broker
//
// No error and nothing that is logged holds a secret: not the password, not the token, not what a server says of them.
package access
