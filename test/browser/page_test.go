package browser_test

import (
	"bufio"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"
)

// patience is how long a test waits for what must come.
const patience = time.Minute

// chromium is the distribution's browser, or the reason why the test is left out.
func chromium(t *testing.T) string {
	t.Helper()
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome", "chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	t.Skip("left out: no Chromium is installed here")
	return ""
}

// binary is the bridge's program: the one that make built, or one that is built now.
func binary(t *testing.T) string {
	t.Helper()
	if path := os.Getenv("TOOLBRIDGE_BIN"); path != "" {
		return path
	}
	path := filepath.Join(t.TempDir(), "toolbridge")
	build := exec.CommandContext(t.Context(), "go", "build", "-o", path, "./cmd/toolbridge")
	build.Dir = "../.."
	out, err := build.CombinedOutput()
	require.NoError(t, err, string(out))
	return path
}

// startBridge starts a bridge with the demo's tools and returns the address of its page.
func startBridge(t *testing.T) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), binary(t), "serve", "--demo", "--memory", "--grpc=127.0.0.1:0", "--http=127.0.0.1:0")
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	cmd.Stderr = cmd.Stdout
	require.NoError(t, cmd.Start())
	t.Cleanup(func() { _ = cmd.Wait() }) // it was interrupted when the test's context ended
	var printed []string
	for lines := bufio.NewScanner(out); lines.Scan(); {
		printed = append(printed, lines.Text())
		if _, at, found := strings.Cut(lines.Text(), "http://"); found {
			return "http://" + strings.Fields(at)[0]
		}
	}
	require.Fail(t, "the bridge did not say where it serves HTTP", strings.Join(printed, "\n"))
	return ""
}

// page is what a tab shows, and what it did meanwhile.
type page struct {
	context.Context // chromedp finds the tab in it
	t               *testing.T

	mu       sync.Mutex
	asked    []string // addresses that the page loaded
	troubles []string // errors of its scripts, and what its policy forbade
}

func open(t *testing.T, address string) *page {
	t.Helper()
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(chromium(t)), chromedp.NoSandbox, chromedp.DisableGPU)
	allocated, cancel := chromedp.NewExecAllocator(t.Context(), options...)
	t.Cleanup(cancel)
	tab, cancel := chromedp.NewContext(allocated)
	t.Cleanup(cancel)
	p := &page{t: t}
	require.NoError(t, chromedp.Listen(tab, p.note)) // starts the browser, which lives as long as tab
	p.Context, cancel = context.WithTimeout(tab, patience)
	t.Cleanup(cancel)
	_, err := chromedp.Call(p, network.Enable, network.EnableParams{})
	require.NoError(t, err)
	p.do(chromedp.Navigate(address+"/docs"), chromedp.WaitVisible(chromedp.CSS("#execute-tool summary")))
	return p
}

// note remembers what the browser reports. The goroutine that reads from the browser calls it.
func (p *page) note(event any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch e := event.(type) {
	case *network.EventRequestWillBeSent:
		p.asked = append(p.asked, e.Request.URL)
	case *runtime.EventExceptionThrown:
		p.troubles = append(p.troubles, e.ExceptionDetails.Text)
	case *runtime.EventConsoleAPICalled:
		if e.Type == runtime.ConsoleAPICalledTypeError {
			p.troubles = append(p.troubles, "console.error was called")
		}
	}
}

func (p *page) do(steps ...chromedp.Action[chromedp.Void]) {
	p.t.Helper()
	require.NoError(p.t, chromedp.Do(p, steps...))
}

// send opens an operation, fills in its fields and its body, sends it and waits until the answer holds want.
func (p *page) send(operation string, fields map[string]string, body, want string) string {
	p.t.Helper()
	at := "#" + operation
	p.do(chromedp.Evaluate[chromedp.Void](`document.querySelector("` + at + `").open = true`))
	for name, value := range fields {
		p.do(chromedp.SetValue(chromedp.CSS(at+` input[name="`+name+`"]`), value))
	}
	if body != "" {
		p.do(chromedp.SetValue(chromedp.CSS(at+" textarea"), body))
	}
	p.do(chromedp.Click(chromedp.CSS(at + " button")))
	answer := `document.querySelector("` + at + ` pre[aria-live]").textContent`
	_, err := chromedp.Run(p, chromedp.Poll[bool](answer+".includes(`"+want+"`)", chromedp.WithPollingTimeout(patience)))
	shown, _ := chromedp.Run(p, chromedp.Evaluate[string](answer))
	require.NoError(p.t, err, "%s shows: %s", operation, shown)
	return shown
}

func TestPage_calls_tools_from_a_real_browser_and_loads_nothing_from_elsewhere(t *testing.T) {
	t.Parallel()
	chromium(t)
	address := startBridge(t)

	p := open(t, address)
	created := p.send("create-session", nil, `{"session_id": "from the browser/1"}`, `"created":true`)
	require.Contains(t, created, "201 Created")
	session := map[string]string{"session_id": "from the browser/1", "tool_id": "add_numbers"}
	sum := p.send("execute-tool", session, `{"args": [9007199254740993, 2]}`, `"success":true`)
	require.Contains(t, sum, `"result":9007199254740995`, "no digit is lost on the way")
	refused := p.send("execute-tool", session, `{"args": ["a", 2]}`, "ValidationError")
	require.Contains(t, refused, "422 Unprocessable")
	session["tool_id"], session["args"] = "count_to_n", "[3]"
	streamed := p.send("stream-tool-by-query", session, "", `"complete"`)
	require.Equal(t, 3, strings.Count(streamed, `"data":`))

	p.mu.Lock()
	defer p.mu.Unlock()
	require.Empty(t, p.troubles)
	for _, url := range p.asked {
		require.True(t, strings.HasPrefix(url, address+"/"), "the page asked for %s", url)
	}
	require.Greater(t, len(p.asked), 6)
}
