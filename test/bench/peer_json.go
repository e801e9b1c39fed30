package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
)

// jsonEcho is what is posted and answered.
type jsonEcho struct {
	Text string `json:"text"`
}

// serveJSON serves an echo of JSON with net/http.
func serveJSON(ctx context.Context, out io.Writer) error {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /echo", func(w http.ResponseWriter, r *http.Request) {
		var in jsonEcho
		if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(in)
	})
	return serveHTTP(ctx, out, mux)
}

// postJSON posts to the echo. Connections are kept, as everybody sets it who calls this often: by default net/http keeps
// two, and 64 callers would mostly connect.
func postJSON(address string) caller {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.MaxIdleConnsPerHost = 1024
	client := &http.Client{Transport: transport, Timeout: patient}
	text := payload()
	return simple(func(ctx context.Context) error {
		body, err := json.Marshal(jsonEcho{text})
		if err != nil {
			return err
		}
		request, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+address+"/echo", bytes.NewReader(body))
		if err != nil {
			return err
		}
		request.Header.Set("Content-Type", "application/json")
		response, err := client.Do(request)
		if err != nil {
			return err
		}
		defer response.Body.Close() //nolint:errcheck // it was read to its end
		if response.StatusCode != http.StatusOK {
			return fmt.Errorf("an echo answered %s", response.Status)
		}
		var answer jsonEcho
		if err := json.NewDecoder(response.Body).Decode(&answer); err != nil {
			return err
		}
		_, _ = io.Copy(io.Discard, response.Body) // the line's end, so that the connection can be used again
		return same(answer.Text)
	})
}
