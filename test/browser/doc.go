// Package browser tests the page that a bridge serves in a real Chromium. It is a module of its own, so that nobody
// else pays for the library that drives the browser.
package browser
