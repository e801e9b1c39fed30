// Package gateway is the HTTP edge: it decodes requests of JSON into calls of the broker and answers in JSON, NDJSON or
// server-sent events. Values have the lossless JSON form of package value. Verbs that are rarely called are served
// by huma, the others by plain handlers on the same mux; all of them stand in one OpenAPI document.
package gateway
