package conformance

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// config is what the bridge under test is told: a short grace, so that scenarios about workers that are gone end soon. It is as long as a busy
// machine needs for those who come back.
const config = "reattach_grace: 1500ms\n"

// Bridge is a bridge in a process of its own, with the demo tools.
type Bridge struct {
	// GRPC is where it serves gRPC, host:port.
	GRPC string
	// HTTP is where it serves HTTP, http://host:port.
	HTTP string

	cmd *exec.Cmd
}

// StartBridge starts the program on free ports of the loopback; its state is in memory. The folder takes its config.
func StartBridge(ctx context.Context, program, folder string) (*Bridge, error) {
	file := filepath.Join(folder, "toolbridge.yaml")
	if err := os.WriteFile(file, []byte(config), 0o600); err != nil {
		return nil, fmt.Errorf("start the bridge: %w", err)
	}
	cmd := exec.CommandContext(ctx, program, "serve", "--demo", "--memory", "--config", file, "--grpc", "127.0.0.1:0", "--http", "127.0.0.1:0", "--log-level", "error") //nolint:gosec // running it is what it was named for
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, fmt.Errorf("start the bridge: %w", err)
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start the bridge: %w (make build makes it)", err)
	}
	b := &Bridge{cmd: cmd}
	return b, b.listen(out)
}

// listen reads where the bridge serves from what it prints.
func (b *Bridge) listen(out io.Reader) error {
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if at, is := strings.CutPrefix(lines.Text(), "listening on "); is {
			b.GRPC = at
		}
		if at, is := strings.CutPrefix(lines.Text(), "http on "); is {
			b.HTTP = at
		}
		if strings.HasPrefix(lines.Text(), "try:") {
			break
		}
	}
	if b.GRPC == "" || b.HTTP == "" {
		return errors.Join(errors.New("the bridge did not say where it serves gRPC and HTTP"), lines.Err(), b.Stop())
	}
	return nil
}

// Environment tells an adapter where the bridge is.
func (b *Bridge) Environment() []string {
	return []string{"CONFORMANCE_GRPC=" + b.GRPC, "CONFORMANCE_HTTP=" + b.HTTP}
}

// Stop ends the bridge.
func (b *Bridge) Stop() error {
	if err := b.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		return fmt.Errorf("stop the bridge: %w", err)
	}
	late := time.AfterFunc(stopTime, func() { _ = b.cmd.Process.Kill() })
	defer late.Stop()
	if err := b.cmd.Wait(); err != nil {
		return fmt.Errorf("stop the bridge: %w", err)
	}
	return nil
}
