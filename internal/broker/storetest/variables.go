package storetest

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/grpc-tool-bridge/toolbridge/internal/broker"
	"github.com/grpc-tool-bridge/toolbridge/tool"
)

// many makes n writes with values of so many bytes.
func many(n, size int) []broker.VariableWrite {
	all := make([]broker.VariableWrite, n)
	for i := range all {
		all[i] = variable(fmt.Sprintf("v%04d", i), strings.Repeat("x", size))
	}
	return all
}

func variableTests() map[string]func(*testing.T, *bench) {
	return map[string]func(*testing.T, *bench){
		"a variable is read back whole": func(t *testing.T, b *bench) {
			b.session(t, "s")
			w := variable("v", "\x00\xff value")
			w.Metadata = map[string]string{"type": "str", "empty": ""}
			written, err := b.store.SetVariables(t.Context(), key("s"), []broker.VariableWrite{w})
			require.NoError(t, err)
			require.True(t, written[0].Value.IsZero(), "a write answers without the value")
			read, err := b.store.Variable(t.Context(), key("s"), "v")
			require.NoError(t, err)
			require.Equal(t, w.Value, read.Value)
			require.Equal(t, w.Metadata, read.Metadata)
			require.NotEmpty(t, read.Revision)
			require.Equal(t, written[0].Revision, read.Revision)
			require.WithinDuration(t, time.Now(), read.UpdatedAt, time.Minute)
			require.True(t, written[0].UpdatedAt.Equal(read.UpdatedAt))
		},
		"every write changes the revision and replaces the metadata": func(t *testing.T, b *bench) {
			b.session(t, "s")
			w := variable("v", "same")
			w.Metadata = map[string]string{"a": "b"}
			first, err := b.store.SetVariables(t.Context(), key("s"), []broker.VariableWrite{w})
			require.NoError(t, err)
			second := b.set(t, "s", "v", "same")
			require.NotEqual(t, first[0].Revision, second.Revision)
			read, err := b.store.Variable(t.Context(), key("s"), "v")
			require.NoError(t, err)
			require.Empty(t, read.Metadata)
		},
		"an unknown variable is not found": func(t *testing.T, b *bench) {
			b.session(t, "s")
			_, err := b.store.Variable(t.Context(), key("s"), "v")
			wantCode(t, tool.VariableNotFound, err)
			wantCode(t, tool.VariableNotFound, b.store.DeleteVariable(t.Context(), key("s"), "v", broker.Condition{}))
		},
		"a deleted variable is gone and may come back": func(t *testing.T, b *bench) {
			b.session(t, "s")
			b.set(t, "s", "v", "x")
			require.NoError(t, b.store.DeleteVariable(t.Context(), key("s"), "v", broker.Condition{}))
			_, err := b.store.Variable(t.Context(), key("s"), "v")
			wantCode(t, tool.VariableNotFound, err)
			b.set(t, "s", "v", "y")
			require.Equal(t, "y", b.get(t, "s", "v"))
		},
		"answers stand in the order of the request": func(t *testing.T, b *bench) {
			b.session(t, "s")
			written, err := b.store.SetVariables(t.Context(), key("s"), []broker.VariableWrite{variable("b", "1"), variable("a", "2")})
			require.NoError(t, err)
			require.Equal(t, []string{"b", "a"}, names(written))
		},
		"a name given twice is refused": func(t *testing.T, b *bench) {
			b.session(t, "s")
			_, err := b.store.SetVariables(t.Context(), key("s"), []broker.VariableWrite{variable("a", "1"), variable("a", "2")})
			wantCode(t, tool.ValidationError, err)
			_, err = b.store.Variable(t.Context(), key("s"), "a")
			wantCode(t, tool.VariableNotFound, err)
		},
		"no writes are fine": func(t *testing.T, b *bench) {
			b.session(t, "s")
			written, err := b.store.SetVariables(t.Context(), key("s"), nil)
			require.NoError(t, err)
			require.Empty(t, written)
		},
		"variables are listed by prefix, in order, a page at a time": func(t *testing.T, b *bench) {
			b.session(t, "s")
			for i := range 25 {
				b.set(t, "s", fmt.Sprintf("p%02d", (i*7)%25), fmt.Sprint(i))
			}
			b.set(t, "s", "q", "other")
			b.set(t, "s", "o", "other")
			var found []string
			after := ""
			for {
				page, err := b.store.Variables(t.Context(), key("s"), "p", after, 10, false)
				require.NoError(t, err)
				require.LessOrEqual(t, len(page), 10)
				if len(page) == 0 {
					break
				}
				found = append(found, names(page)...)
				after = found[len(found)-1]
			}
			require.Len(t, found, 25)
			require.IsIncreasing(t, found)
		},
		"a listing has values only when asked, and all else always": func(t *testing.T, b *bench) {
			b.session(t, "s")
			w := variable("v", "x")
			w.Metadata = map[string]string{"a": "b"}
			written, err := b.store.SetVariables(t.Context(), key("s"), []broker.VariableWrite{w})
			require.NoError(t, err)
			for _, values := range []bool{false, true} {
				page, err := b.store.Variables(t.Context(), key("s"), "", "", 10, values)
				require.NoError(t, err)
				require.Len(t, page, 1)
				require.Equal(t, !values, page[0].Value.IsZero())
				require.Equal(t, w.Metadata, page[0].Metadata)
				require.Equal(t, written[0].Revision, page[0].Revision)
				require.True(t, written[0].UpdatedAt.Equal(page[0].UpdatedAt))
			}
		},
		"a listing beyond the last is empty, and so is one of nothing": func(t *testing.T, b *bench) {
			b.session(t, "s")
			b.set(t, "s", "v", "x")
			for _, after := range []string{"v", "w"} {
				page, err := b.store.Variables(t.Context(), key("s"), "", after, 10, true)
				require.NoError(t, err)
				require.Empty(t, page)
			}
			page, err := b.store.Variables(t.Context(), key("s"), "", "", 0, true)
			require.NoError(t, err)
			require.Empty(t, page)
			page, err = b.store.Variables(t.Context(), key("s"), "", "a", 10, true)
			require.NoError(t, err)
			require.Equal(t, []string{"v"}, names(page))
		},
		"a value of a mebibyte fits": func(t *testing.T, b *bench) {
			b.session(t, "s")
			value := strings.Repeat("m", 1<<20)
			b.set(t, "s", "v", value)
			require.Equal(t, value, b.get(t, "s", "v"))
		},
		"an empty value is a value": func(t *testing.T, b *bench) {
			b.session(t, "s")
			b.set(t, "s", "v", "")
			require.Empty(t, b.get(t, "s", "v"))
		},
	}
}

func conditionTests() map[string]func(*testing.T, *bench) {
	write := func(name, value string, cond broker.Condition, request string) broker.VariableWrite {
		w := variable(name, value)
		w.If, w.RequestID = cond, request
		return w
	}
	set := func(t *testing.T, b *bench, writes ...broker.VariableWrite) ([]tool.Variable, error) {
		t.Helper()
		return b.store.SetVariables(t.Context(), key("s"), writes)
	}
	return map[string]func(*testing.T, *bench){
		"compare and set": func(t *testing.T, b *bench) {
			b.session(t, "s")
			first := b.set(t, "s", "v", "1")
			second, err := set(t, b, write("v", "2", broker.Condition{Revision: first.Revision}, ""))
			require.NoError(t, err)
			_, err = set(t, b, write("v", "3", broker.Condition{Revision: first.Revision}, ""))
			wantCode(t, tool.RevisionConflict, err)
			require.Equal(t, "2", b.get(t, "s", "v"))
			wantCode(t, tool.RevisionConflict, b.store.DeleteVariable(t.Context(), key("s"), "v", broker.Condition{Revision: first.Revision}))
			require.NoError(t, b.store.DeleteVariable(t.Context(), key("s"), "v", broker.Condition{Revision: second[0].Revision}))
			_, err = set(t, b, write("v", "4", broker.Condition{Revision: second[0].Revision}, ""))
			wantCode(t, tool.RevisionConflict, err)
		},
		"if absent": func(t *testing.T, b *bench) {
			b.session(t, "s")
			_, err := set(t, b, write("v", "1", broker.Condition{Absent: true}, ""))
			require.NoError(t, err)
			_, err = set(t, b, write("v", "2", broker.Condition{Absent: true}, ""))
			wantCode(t, tool.RevisionConflict, err)
			require.Equal(t, "1", b.get(t, "s", "v"))
			require.NoError(t, b.store.DeleteVariable(t.Context(), key("s"), "v", broker.Condition{}))
			_, err = set(t, b, write("v", "3", broker.Condition{Absent: true}, ""))
			require.NoError(t, err)
		},
		"a revision that is none conflicts": func(t *testing.T, b *bench) {
			b.session(t, "s")
			b.set(t, "s", "v", "1")
			_, err := set(t, b, write("v", "2", broker.Condition{Revision: "nonsense"}, ""))
			wantCode(t, tool.RevisionConflict, err)
		},
		"one condition that fails writes none": func(t *testing.T, b *bench) {
			b.session(t, "s")
			b.set(t, "s", "b", "old")
			_, err := set(t, b, variable("a", "new"), write("b", "new", broker.Condition{Absent: true}, ""), variable("c", "new"))
			wantCode(t, tool.RevisionConflict, err)
			page, err := b.store.Variables(t.Context(), key("s"), "", "", 10, true)
			require.NoError(t, err)
			require.Equal(t, []string{"b"}, names(page))
			require.Equal(t, "old", string(page[0].Value.Bytes))
		},
		"a repeated write succeeds with the revision of the first": func(t *testing.T, b *bench) {
			b.session(t, "s")
			for name, cond := range map[string]broker.Condition{"free": {}, "absent": {Absent: true}} {
				first, err := set(t, b, write(name, "1", cond, "r1"))
				require.NoError(t, err)
				again, err := set(t, b, write(name, "1", cond, "r1"))
				require.NoError(t, err)
				require.Equal(t, first[0].Revision, again[0].Revision)
				require.True(t, first[0].UpdatedAt.Equal(again[0].UpdatedAt))
				cond = broker.Condition{Revision: first[0].Revision}
				second, err := set(t, b, write(name, "2", cond, "r2"))
				require.NoError(t, err)
				again, err = set(t, b, write(name, "2", cond, "r2"))
				require.NoError(t, err)
				require.Equal(t, second[0].Revision, again[0].Revision)
			}
		},
		"a write whose effect no longer stands is a new one": func(t *testing.T, b *bench) {
			b.session(t, "s")
			first, err := set(t, b, write("v", "1", broker.Condition{}, "r1"))
			require.NoError(t, err)
			b.set(t, "s", "v", "2")
			again, err := set(t, b, write("v", "1", broker.Condition{}, "r1"))
			require.NoError(t, err)
			require.NotEqual(t, first[0].Revision, again[0].Revision)
		},
		"a repeated write with another value is refused": func(t *testing.T, b *bench) {
			b.session(t, "s")
			_, err := set(t, b, write("v", "1", broker.Condition{}, "r1"))
			require.NoError(t, err)
			_, err = set(t, b, write("v", "2", broker.Condition{}, "r1"))
			wantCode(t, tool.RequestConflict, err)
			require.Equal(t, "1", b.get(t, "s", "v"))
		},
		"a request that was done in part is completed": func(t *testing.T, b *bench) {
			b.session(t, "s")
			first, err := set(t, b, write("a", "1", broker.Condition{Absent: true}, "r1"))
			require.NoError(t, err)
			both, err := set(t, b, write("a", "1", broker.Condition{Absent: true}, "r1"), write("b", "2", broker.Condition{Absent: true}, "r1"))
			require.NoError(t, err)
			require.Equal(t, first[0].Revision, both[0].Revision)
			require.Equal(t, "2", b.get(t, "s", "b"))
		},
	}
}

func manyTests() map[string]func(*testing.T, *bench) {
	return map[string]func(*testing.T, *bench){
		"150 variables of more than 1.5 MiB": func(t *testing.T, b *bench) {
			b.session(t, "s")
			writes := many(150, 12<<10)
			written, err := b.store.SetVariables(t.Context(), key("s"), writes)
			require.NoError(t, err)
			require.Len(t, written, 150)
			page, err := b.store.Variables(t.Context(), key("s"), "", "", 1000, true)
			require.NoError(t, err)
			require.Len(t, page, 150)
			for i, v := range page {
				require.Equal(t, writes[i].Name, v.Name)
				require.Equal(t, writes[i].Value, v.Value)
				require.Equal(t, written[i].Revision, v.Revision)
			}
			_, err = b.store.SetVariables(t.Context(), key("s"), []broker.VariableWrite{{Variable: writes[7].Variable, If: broker.Condition{Revision: written[7].Revision}}})
			require.NoError(t, err, "the revisions that were answered can be compared with")
		},
		"three variables of a mebibyte": func(t *testing.T, b *bench) {
			b.session(t, "s")
			_, err := b.store.SetVariables(t.Context(), key("s"), many(3, 1<<20))
			require.NoError(t, err)
			require.Len(t, b.get(t, "s", "v0002"), 1<<20)
		},
		"one condition of 150 that fails writes none": func(t *testing.T, b *bench) {
			b.session(t, "s")
			b.set(t, "s", "v0149", "old")
			writes := many(150, 10)
			writes[149].If.Absent = true
			_, err := b.store.SetVariables(t.Context(), key("s"), writes)
			wantCode(t, tool.RevisionConflict, err)
			page, err := b.store.Variables(t.Context(), key("s"), "", "", 1000, false)
			require.NoError(t, err)
			require.Len(t, page, 1)
			b.set(t, "s", "v0149", "the session can still be written")
		},
		"150 writes repeated": func(t *testing.T, b *bench) {
			b.session(t, "s")
			writes := many(150, 10)
			for i := range writes {
				writes[i].RequestID = "r1"
			}
			first, err := b.store.SetVariables(t.Context(), key("s"), writes)
			require.NoError(t, err)
			again, err := b.store.SetVariables(t.Context(), key("s"), writes)
			require.NoError(t, err)
			for i := range first {
				require.Equal(t, first[i].Revision, again[i].Revision)
			}
		},
		"150 tools": func(t *testing.T, b *bench) {
			b.session(t, "s")
			_, err := b.store.RegisterTools(t.Context(), key("s"), []*tool.Spec{spec("first")})
			require.NoError(t, err)
			record, err := b.store.RegisterTools(t.Context(), key("s"), specs(150))
			require.NoError(t, err)
			require.Equal(t, append([]string{"first"}, ids(specs(150))...), ids(record.Tools.All()))
			read, err := b.store.Session(t.Context(), key("s"))
			require.NoError(t, err)
			require.Equal(t, record.Revision, read.Revision)
			require.Equal(t, ids(record.Tools.All()), ids(read.Tools.All()))
			record, err = b.store.UnregisterTools(t.Context(), key("s"), ids(specs(150)))
			require.NoError(t, err)
			require.Equal(t, []string{"first"}, ids(record.Tools.All()))
		},
		"150 of each are ended at once": func(t *testing.T, b *bench) {
			b.session(t, "s")
			_, err := b.store.RegisterTools(t.Context(), key("s"), specs(150))
			require.NoError(t, err)
			_, err = b.store.SetVariables(t.Context(), key("s"), many(150, 10))
			require.NoError(t, err)
			removed, err := b.store.EndSession(t.Context(), key("s"), 0)
			require.NoError(t, err)
			require.Equal(t, broker.Removed{Tools: 150, Variables: 150}, removed)
		},
	}
}
