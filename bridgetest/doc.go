// Package bridgetest is for testing programs that use Toolbridge: a whole bridge in the test's own process, reached
// over a connection in memory, with its state in memory; workers that run as long as the test; a recorder of streams;
// and scripted faults.
//
//	func TestMyTool(t *testing.T) {
//		b := bridgetest.New(t)
//		b.Worker(func(w *toolbridge.Worker) {
//			toolbridge.AddTool(w, "my_tool", myTool)
//		})
//		got, err := toolbridge.Call[int](t.Context(), b.Session(), "my_tool", 1, 2)
//		…
//	}
package bridgetest
