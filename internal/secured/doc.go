// Package secured runs weir as a process on a Kafka and a Mosquitto that ask for TLS, certificates and logins, and looks at what it says
// when it does not get in. Its tests carry the tag real; the certificates, users and tokens are made by the tests.
package secured
