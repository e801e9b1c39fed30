// Command survival reads JSON texts, one a line, and writes what Go's encoding/json makes of each when it does not know the
// type: the way of a value through a Go program that only passes it on.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
)

func main() {
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		fmt.Println(through(lines.Bytes()))
	}
}

// through gives the text of a value that was read and written again, or an error as a line that is no JSON.
func through(text []byte) string {
	var v any
	if err := json.Unmarshal(text, &v); err != nil {
		return "error: json." + fmt.Sprintf("%T", err)[len("*json."):]
	}
	again, err := json.Marshal(v)
	if err != nil {
		return "error: " + err.Error()
	}
	return string(again)
}
