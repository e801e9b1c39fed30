package main

import (
	"runtime"
	"runtime/debug"
)

type versionVerb struct{}

// Run prints the version.
func (v *versionVerb) Run(s *shell) error {
	version, revision := built()
	if s.json {
		return s.document(map[string]string{
			"version": version, "revision": revision, "go": runtime.Version(), "platform": runtime.GOOS + "/" + runtime.GOARCH,
		})
	}
	if revision != "" {
		version += " (" + revision + ")"
	}
	return s.line("toolbridge %s, %s, %s/%s", version, runtime.Version(), runtime.GOOS, runtime.GOARCH)
}

// built says of what version and revision the program was built.
func built() (version, revision string) {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown", ""
	}
	for _, setting := range info.Settings {
		if setting.Key == "vcs.revision" && len(setting.Value) >= 12 {
			revision = setting.Value[:12]
		}
	}
	if info.Main.Version == "" || info.Main.Version == "(devel)" {
		return "development", revision
	}
	return info.Main.Version, revision
}
