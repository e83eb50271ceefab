package configs

// The tags are those of document.go.

type saslDoc struct {
	section
	Mechanism     text `key:"mechanism" need:"write how to log in: mechanism: scram-sha-512" choice:"plain,scram-sha-256,scram-sha-512,oauthbearer" doc:"How weir logs in at the brokers."`
	Username      text `key:"username" secret:"true" doc:"For plain and scram-sha-*. Write ${NAME} or ${file:/path}."`
	Password      text `key:"password" secret:"true" doc:"For plain and scram-sha-*. Write ${NAME} or ${file:/path}; the file is read again at each new connection."`
	Token         text `key:"token" secret:"true" doc:"For oauthbearer: the token. Write ${NAME} or ${file:/path}."`
	TokenFile     text `key:"token_file" doc:"For oauthbearer: the file that holds the token, read again at each new connection."`
	TokenEndpoint text `key:"token_endpoint" doc:"For oauthbearer: https:// address that gives a token for client_id and client_secret."`
	ClientID      text `key:"client_id" doc:"For token_endpoint."`
	ClientSecret  text `key:"client_secret" secret:"true" doc:"For token_endpoint. Write ${NAME} or ${file:/path}."`
	Scope         text `key:"scope" doc:"For token_endpoint: the scopes to ask for, with spaces between."`
}
