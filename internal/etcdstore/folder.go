package etcdstore

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"go.etcd.io/etcd/client/pkg/v3/fileutil"

	"github.com/grpc-tool-bridge/toolbridge/tool"
)

// dataFormat is the layout of a data folder and of the keys in it. A bridge refuses a newer one than it knows.
const dataFormat = 1

const (
	versionFile = "version"
	lockFile    = "lock"
	etcdFolder  = "etcd"

	ownerOnly     fs.FileMode = 0o700
	ownerOnlyFile fs.FileMode = 0o600
)

// folder is a data folder that this process holds the lock of.
type folder struct {
	path string
	lock *fileutil.LockedFile
}

// openFolder makes the folder if need be, closes it to other users, locks it and checks its version. The lock comes
// before etcd touches anything: a second etcd on one folder damages the first.
func openFolder(path string) (*folder, error) {
	if err := os.MkdirAll(path, ownerOnly); err != nil {
		return nil, folderError("data folder %s cannot be made: %w", path, err)
	}
	if err := ours(path); err != nil {
		return nil, err
	}
	if err := closeToOthers(path); err != nil {
		return nil, err
	}
	lock, err := takeLock(path)
	if err != nil {
		return nil, err
	}
	f := &folder{path: path, lock: lock}
	if err := f.checkVersion(); err != nil {
		f.close()
		return nil, err
	}
	return f, nil
}

// ours refuses a folder that holds something but not a bridge's data, before anything in it is changed.
func ours(path string) error {
	entries, err := os.ReadDir(path)
	if err != nil {
		return folderError("data folder %s cannot be read: %w", path, err)
	}
	for _, e := range entries {
		if name := e.Name(); name == versionFile || name == lockFile {
			return nil
		}
	}
	for _, e := range entries {
		if e.Name() != "lost+found" {
			return folderError("data folder %s holds other files (%s) and no data of a bridge: name an empty folder", path, e.Name())
		}
	}
	return nil
}

// closeToOthers takes the folder away from every user but its owner.
func closeToOthers(path string) error {
	info, err := os.Stat(path)
	if err != nil {
		return folderError("data folder %s cannot be read: %w", path, err)
	}
	if !info.IsDir() {
		return folderError("data folder %s is a file: name a folder", path)
	}
	if info.Mode().Perm()&^ownerOnly == 0 {
		return nil
	}
	if err := os.Chmod(path, ownerOnly); err != nil {
		return folderError("data folder %s is open to other users and cannot be closed to them: %w", path, err)
	}
	return nil
}

func takeLock(path string) (*fileutil.LockedFile, error) {
	name := filepath.Join(path, lockFile)
	lock, err := fileutil.TryLockFile(name, os.O_RDWR|os.O_CREATE, ownerOnlyFile)
	switch {
	case errors.Is(err, fileutil.ErrLocked):
		return nil, folderError("data folder %s is in use by another bridge%s: stop that one, or name another folder", path, holder(name))
	case err != nil:
		return nil, folderError("data folder %s is not writable: %w", path, err)
	}
	// The number is for the message above only, so a failure to write it is one to write anything.
	err = errors.Join(lock.Truncate(0), writeAt(lock.File, strconv.Itoa(os.Getpid())))
	if err != nil {
		return nil, folderError("data folder %s is not writable: %w", path, errors.Join(err, lock.Close()))
	}
	return lock, nil
}

func writeAt(f *os.File, text string) error {
	_, err := f.WriteAt([]byte(text), 0)
	return err
}

// holder says who holds a lock, if that is known.
func holder(lock string) string {
	text, err := os.ReadFile(lock)
	if pid := strings.TrimSpace(string(text)); err == nil && pid != "" {
		return fmt.Sprintf(" (process %.20s)", pid)
	}
	return ""
}

// checkVersion writes the version of a new folder and refuses one from a newer bridge.
func (f *folder) checkVersion() error {
	name := filepath.Join(f.path, versionFile)
	text, err := os.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		if err := os.WriteFile(name, []byte(strconv.Itoa(dataFormat)+"\n"), ownerOnlyFile); err != nil {
			return folderError("data folder %s is not writable: %w", f.path, err)
		}
		return nil
	}
	if err != nil {
		return folderError("data folder %s cannot be read: %w", f.path, err)
	}
	version, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil || version < 1 {
		return folderError("data folder %s has the version %.20q, which is none: restore it from a backup", f.path, text)
	}
	if version > dataFormat {
		return newerFormat("data folder "+f.path, version)
	}
	return nil
}

func newerFormat(place string, version int) *tool.Error {
	return folderError("%s has format %d, this bridge knows formats up to %d: use the newer bridge that wrote it", place, version, dataFormat)
}

func (f *folder) close() {
	if f != nil {
		// Closing releases the lock; what could fail is flushing a number that nobody needs any more.
		_ = f.lock.Close()
	}
}

// folderError is StoreUnavailable that waiting does not cure.
func folderError(format string, args ...any) *tool.Error {
	e := tool.Errorf(tool.StoreUnavailable, format, args...)
	e.Retryable = false
	return e
}
