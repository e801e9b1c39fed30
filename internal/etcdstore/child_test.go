package etcdstore_test

// runAsChild runs what a test wants of a process of its own, and reports whether this is one.
func runAsChild() bool { return false }
