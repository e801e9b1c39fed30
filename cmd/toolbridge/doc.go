// Command toolbridge runs a bridge and talks to one.
//
//	toolbridge serve --demo             run a bridge that offers the demo tools
//	toolbridge tools                    list what a session can call
//	toolbridge call add_numbers 2 40    call a tool
//	toolbridge stream count_to_n 3      call a tool and print its results as they come
//
// Arguments are JSON; a word that is not JSON is a text, so `call echo_tool hello` needs no quotes. What JSON cannot say
// is an object with one $ key, such as {"$bytes": "aGk="} or {"$date": "2026-05-01"}; name=value passes an argument by
// name, and @FILE (or name=@FILE) reads one from a file, @- from standard input. A text that contains = or begins with @
// is written in JSON's quotes.
//
// Calls, variables and agents live in a session: the one named by --session, otherwise "cli", which is created where it
// does not exist or has ended. One that is named is created only by call, stream, vars set and agents create, and never
// once it has ended: `toolbridge sessions create ID` begins it anew.
//
// Results go to standard output, for people, or with --json as one JSON document (streams and watches: one a line).
// Errors go to standard error as "error: <Code>: message", with --json as a JSON document, and the exit code says what
// happened:
//
//	0    it worked
//	1    the tool or the request failed
//	2    the command line or the config file is wrong
//	3    the bridge cannot be reached
//	4    the time limit passed
//	130  interrupted
package main
