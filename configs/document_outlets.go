package configs

// The tags are those of document.go.

type alertsMQTTDoc struct {
	section
	Topic    text    `key:"topic" need:"write the MQTT topic, for example topic: \"alerts/{{device}}\"" doc:"MQTT topic, with {{device}} (the group, of a window over several devices), {{rule}}, {{level}}, {{pipeline}}, {{labels.NAME}}; the characters + # / % of a value are percent-encoded."`
	Broker   text    `key:"broker" doc:"tcp://host:port or ssl://host:port; where absent the broker of the section mqtt, with its username, password and tls."`
	QoS      whole   `key:"qos" default:"1" min:"0" max:"2" doc:"Quality of service."`
	Retain   toggle  `key:"retain" default:"false" doc:"Let the broker keep the last alert of each topic for who subscribes later."`
	Username text    `key:"username" secret:"true" doc:"Write ${NAME} or ${file:/path}."`
	Password text    `key:"password" secret:"true" doc:"Write ${NAME} or ${file:/path}."`
	TLS      *tlsDoc `key:"tls" form:"{ca: ca.pem}" doc:"PEM files for an ssl:// broker."`
}

type alertmanagerDoc struct {
	section
	URL       text    `key:"url" need:"write where the Alertmanager is, for example url: http://localhost:9093" doc:"http://host:port or https://host:port of the Alertmanager, with its path prefix where it has one."`
	Resend    span    `key:"resend" default:"1m" min:"1s" max:"1h" doc:"A firing alert is sent again this often, to end there by itself after three times that."`
	Username  text    `key:"username" secret:"true" doc:"For basic authentication. Write ${NAME} or ${file:/path}."`
	Password  text    `key:"password" secret:"true" doc:"For basic authentication. Write ${NAME} or ${file:/path}."`
	Token     text    `key:"token" secret:"true" doc:"Bearer token. Write ${NAME} or ${file:/path}."`
	TLS       *tlsDoc `key:"tls" form:"{ca: ca.pem}" doc:"PEM files for an https:// address."`
	Generator text    `key:"generator_url" doc:"Link that an alert carries, with {{device}} (the group, of a window over several devices), {{rule}}, {{level}}, {{pipeline}}, {{labels.NAME}}."`
}
