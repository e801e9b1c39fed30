package toolbridge_test

import (
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const module = "github.com/grpc-tool-bridge/toolbridge"

// rooms says what each room may import of ours; "*" means every room but those of ban 4. A package that is not listed fails the test: whoever adds
// a room decides here, with a reason, what it may see.
var rooms = map[string]struct {
	may []string
	why string
}{
	"":                          {[]string{"tool", "value", "gen", "internal/wire", "internal/link", "internal/direct", "internal/typed"}, "the SDK is the client side only"},
	"tool":                      {nil, "the vocabulary depends on nothing"},
	"value":                     {[]string{"tool", "gen"}, "the codec knows encoded values, not transports"},
	"value/frame":               {[]string{"tool", "value"}, "an extension of the codec"},
	"value/valuetest":           {[]string{"tool", "value"}, "values for property tests, ours and those of users"},
	"value/frame/frametest":     {[]string{"value", "value/frame", "value/valuetest"}, "tables for property tests; apart, because it links Arrow"},
	"gen":                       {nil, "generated"},
	"internal/memory":           {nil, "memory knows nothing of what lies in it"},
	"internal/numbered":         {nil, "a table knows nothing of what it holds"},
	"internal/typed":            {[]string{"tool", "value", "internal/memory"}, "made for workers and for local alike"},
	"internal/wire":             {[]string{"tool", "gen"}, "translation and nothing else"},
	"internal/tabletest":        {nil, "bytes that look like tables, for tests of who passes them on"},
	"internal/tlstest":          {nil, "certificates for tests"},
	"internal/alloctest":        {nil, "what code under test allocates"},
	"internal/link":             {[]string{"tool", "gen", "internal/wire", "internal/memory", "internal/numbered"}, "used by both ends, so it knows neither"},
	"internal/direct":           {[]string{"internal/link"}, "a transport knows what a link sends, and not what for"},
	"internal/broker":           {[]string{"tool", "internal/numbered"}, "the core sees no wire"},
	"internal/broker/storetest": {[]string{"tool", "internal/broker"}, "a conformance suite of the seam alone"},
	"internal/broker/hosttest":  {[]string{"tool", "internal/broker", "internal/tabletest"}, "a conformance suite of the seam alone"},
	"internal/broker/storecore": {[]string{"tool", "internal/broker"}, "what every store shares"},
	"internal/memstore":         {[]string{"tool", "internal/broker", "internal/broker/storecore"}, "an adapter of one seam"},
	"internal/etcdstore":        {[]string{"tool", "internal/broker", "internal/broker/storecore", "gen"}, "an adapter of one seam"},
	"internal/local":            {[]string{"tool", "value", "internal/broker", "internal/typed"}, "an adapter of one seam"},
	"internal/rpc":              {[]string{"tool", "gen", "internal/broker", "internal/wire", "internal/link", "internal/direct"}, "an edge and a host"},
	"internal/gateway":          {[]string{"tool", "value", "internal/broker", "internal/wire"}, "an edge; values become JSON here"},
	"internal/demo":             {[]string{"tool", "value", "internal/local", "internal/typed"}, "tools like any user's, and typed is how a function becomes one"},
	"internal/telemetry":        {[]string{"tool", "internal/broker", "internal/wire"}, "an adapter of the seams for observers; the table of codes bounds its labels"},
	"bridge":                    {[]string{"*"}, "the composition root"},
	"bridgetest":                {[]string{"", "tool", "value", "bridge", "internal/broker", "internal/memstore", "internal/rpc", "internal/local"}, "a bridge for tests"},
	"cmd/toolbridge":            {[]string{"", "tool", "value", "value/frame", "bridge", "internal/demo"}, "verbs talk through the public SDK"},
	"examples/*":                {[]string{"", "tool", "value", "value/frame", "bridge", "bridgetest"}, "examples see what users see"},
	"test/*":                    {[]string{"", "tool", "value", "value/frame", "value/valuetest", "value/frame/frametest", "bridge", "bridgetest", "gen"}, "tests from outside see what users see, and the wire"},
	"conformance":               {nil, "scenarios are data, and whoever runs them must not know an SDK"},
	"conformance/gosdk":         {[]string{"", "tool", "value"}, "an adapter sees what the SDK's users see"},
	"conformance/run":           {[]string{"conformance", "conformance/gosdk"}, "starts the adapters"},
	"proto":                     {nil, "the protocol's own tests"},
	"scripts/*":                 {nil, "tools of the repository stand alone"},
}

// bans are rules on everything that a package links, directly or not.
var bans = []struct {
	of   []string
	what []string
	why  string
}{
	{[]string{"internal/broker"}, []string{"google.golang.org/grpc", "google.golang.org/protobuf", "net/http", "go.etcd.io"}, "the core must not depend on any wire or vendor"},
	{[]string{"", "tool", "value"}, []string{"go.etcd.io", "github.com/danielgtaylor/huma", "github.com/apache/arrow-go", "github.com/blevesearch"}, "whoever uses the SDK must not pay for the server or for tables"},
	{[]string{"", "tool", "value"}, []string{"go.opentelemetry.io/otel/sdk", "go.opentelemetry.io/otel/exporters", "go.opentelemetry.io/contrib", "github.com/prometheus"}, "the SDK sees the API of traces only: who wants spans brings a provider"},
	{[]string{"internal/broker", "internal/link", "internal/rpc", "internal/gateway"}, []string{"go.opentelemetry.io", "github.com/prometheus"}, "metrics and traces come in over seams, and their libraries stay in telemetry"},
	{[]string{"tool"}, []string{"google.golang.org"}, "the vocabulary knows no wire"},
	{[]string{"*"}, []string{"github.com/spf13/viper", "gopkg.in/yaml.v3", "github.com/golang/protobuf"}, "dead or too heavy"},
}

type goPackage struct {
	ImportPath, Dir, Name string
	Imports, Deps         []string
	GoFiles               []string
}

// listPackages asks the go command for our packages and what they link.
func listPackages(t *testing.T) map[string]goPackage {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", "list", "-json=ImportPath,Dir,Name,Imports,Deps,GoFiles", "./...")
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	require.NoError(t, err)
	found := map[string]goPackage{}
	for dec := json.NewDecoder(strings.NewReader(string(out))); dec.More(); {
		var p goPackage
		require.NoError(t, dec.Decode(&p))
		found[strings.TrimPrefix(strings.TrimPrefix(p.ImportPath, module), "/")] = p
	}
	return found
}

// ours returns the room of an import path of this module.
func ours(path string) (string, bool) {
	if path != module && !strings.HasPrefix(path, module+"/") {
		return "", false
	}
	return strings.TrimPrefix(strings.TrimPrefix(path, module), "/"), true
}

func TestRoomsImportOnlyWhatTheyMay(t *testing.T) {
	t.Parallel()
	for room, p := range listPackages(t) {
		law, known := rooms[room]
		for pattern, l := range rooms {
			if prefix, wild := strings.CutSuffix(pattern, "*"); wild && strings.HasPrefix(room, prefix) {
				law, known = l, true
			}
		}
		if !known {
			t.Errorf("package %q has no law in arch_test.go: say what it may import, and why", room)
			continue
		}
		for _, path := range p.Imports {
			other, is := ours(path)
			if !is || slices.Contains(law.may, other) || slices.Contains(law.may, "*") || strings.HasPrefix(other, room+"/") {
				continue
			}
			t.Errorf("%q imports %q, but may only import %q (%s)", room, other, law.may, law.why)
		}
	}
}

func TestNobodyImportsCommandsOrTests(t *testing.T) {
	t.Parallel()
	for room, p := range listPackages(t) {
		for _, path := range p.Imports {
			other, is := ours(path)
			if is && (strings.HasPrefix(other, "cmd/") || strings.HasPrefix(other, "test/") || strings.HasPrefix(other, "examples/")) &&
				!strings.HasPrefix(room, strings.SplitN(other, "/", 3)[0]+"/") {
				t.Errorf("%q imports %q: commands, tests and examples are nobody's library", room, other)
			}
		}
	}
}

func TestWhatPackagesLink(t *testing.T) {
	t.Parallel()
	packages := listPackages(t)
	for _, ban := range bans {
		for room, p := range packages {
			if !slices.Contains(ban.of, room) && !slices.Contains(ban.of, "*") {
				continue
			}
			list := p.Deps
			if slices.Contains(ban.of, "*") {
				list = p.Imports
			}
			for _, path := range list {
				for _, banned := range ban.what {
					if path == banned || strings.HasPrefix(path, banned+"/") {
						t.Errorf("%q links %q: %s", room, path, ban.why)
					}
				}
			}
		}
	}
}

func TestPackagesAreNamedForWhatTheyHold(t *testing.T) {
	t.Parallel()
	for room, p := range listPackages(t) {
		require.NotContains(t, []string{"util", "utils", "common", "helpers", "types", "models", "misc", "base"}, p.Name,
			"package %q: the name says nothing about what is inside", room)
	}
}

// sources parses every file of ours that is neither generated nor a test.
func sources(t *testing.T, visit func(path string, file *ast.File)) {
	t.Helper()
	files := token.NewFileSet()
	require.NoError(t, filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && path != "." && (strings.HasPrefix(d.Name(), ".") || d.Name() == "gen" || d.Name() == "testdata" || d.Name() == "python" || d.Name() == "node_modules"):
			return filepath.SkipDir
		case d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go"):
			return nil
		}
		file, err := parser.ParseFile(files, path, nil, parser.ParseComments)
		if err == nil {
			visit(path, file)
		}
		return err
	}))
}

func TestEveryPackageAndExportedNameIsDocumented(t *testing.T) {
	t.Parallel()
	documented := map[string]bool{}
	sources(t, func(path string, file *ast.File) {
		dir := filepath.Dir(path)
		documented[dir] = documented[dir] || file.Doc != nil
		for _, decl := range file.Decls {
			switch d := decl.(type) {
			case *ast.FuncDecl:
				if d.Doc == nil && d.Name.IsExported() && exportedReceiver(d) {
					t.Errorf("%s: %s has no comment", path, d.Name.Name)
				}
			case *ast.GenDecl:
				for _, name := range undocumented(d) {
					t.Errorf("%s: %s has no comment", path, name)
				}
			}
		}
	})
	for dir, is := range documented {
		if !is {
			t.Errorf("package %s has no comment", dir)
		}
	}
}

func exportedReceiver(d *ast.FuncDecl) bool {
	if d.Recv == nil {
		return true
	}
	expr := d.Recv.List[0].Type
	for {
		switch e := expr.(type) {
		case *ast.StarExpr:
			expr = e.X
		case *ast.IndexExpr:
			expr = e.X
		case *ast.IndexListExpr:
			expr = e.X
		case *ast.Ident:
			return e.IsExported()
		default:
			return false
		}
	}
}

func undocumented(d *ast.GenDecl) (names []string) {
	for _, spec := range d.Specs {
		switch s := spec.(type) {
		case *ast.TypeSpec:
			if s.Name.IsExported() && d.Doc == nil && s.Doc == nil {
				names = append(names, s.Name.Name)
			}
		case *ast.ValueSpec:
			for _, n := range s.Names {
				if n.IsExported() && d.Doc == nil && s.Doc == nil && s.Comment == nil {
					names = append(names, n.Name)
				}
			}
		}
	}
	return names
}

func TestNoInitAndNoMutableGlobals(t *testing.T) {
	t.Parallel()
	type global struct{ dir, name string }
	globals, assigned := map[global]string{}, map[global]bool{}
	sources(t, func(path string, file *ast.File) {
		dir := filepath.Dir(path)
		for _, decl := range file.Decls {
			switch d := decl.(type) {
			case *ast.FuncDecl:
				if d.Recv == nil && d.Name.Name == "init" {
					t.Errorf("%s: init() runs before anybody asked: make it explicit", path)
				}
				ast.Inspect(d, func(n ast.Node) bool {
					for _, name := range assignedNames(n) {
						assigned[global{dir, name}] = true
					}
					return true
				})
			case *ast.GenDecl:
				for _, spec := range d.Specs {
					v, is := spec.(*ast.ValueSpec)
					if !is || d.Tok != token.VAR {
						continue
					}
					for _, n := range v.Names {
						if n.Name != "_" {
							globals[global{dir, n.Name}] = path
						}
					}
				}
			}
		}
	})
	for g, path := range globals {
		if assigned[g] {
			t.Errorf("%s: the global %s is assigned in a function: state belongs to a value", path, g.name)
		}
	}
}

// assignedNames returns the package-level names that a statement may assign: identifiers that the parser did not resolve within the function.
func assignedNames(n ast.Node) (names []string) {
	collect := func(expr ast.Expr) {
		if index, is := expr.(*ast.IndexExpr); is {
			expr = index.X
		}
		if id, is := expr.(*ast.Ident); is && (id.Obj == nil || isVariable(id.Obj.Decl)) {
			names = append(names, id.Name)
		}
	}
	switch s := n.(type) {
	case *ast.AssignStmt:
		if s.Tok == token.DEFINE {
			return nil
		}
		for _, lhs := range s.Lhs {
			collect(lhs)
		}
	case *ast.IncDecStmt:
		collect(s.X)
	}
	return names
}

// isVariable reports whether a name was declared by var; a local one of a global's name counts as well.
func isVariable(declaration any) bool {
	_, is := declaration.(*ast.ValueSpec)
	return is
}
