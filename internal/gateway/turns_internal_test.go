package gateway

import (
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"
)

func TestLarge_texts_are_read_so_many_bytes_at_a_time_and_small_ones_never_wait(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		turns := newTurns(10 * smallBody)
		first, second := turns.wait(4*smallBody), turns.wait(6*smallBody)
		var begun []string // written by one goroutine at a time
		var ends []func()
		read := func(name string, size int) {
			go func() {
				end := turns.wait(size)
				begun, ends = append(begun, name), append(ends, end)
			}()
			synctest.Wait()
		}
		read("alone", 100*smallBody)
		read("later", 2*smallBody)
		require.Empty(t, begun)
		turns.wait(smallBody)()

		second()
		synctest.Wait()
		require.Empty(t, begun, "what came later does not overtake")
		first()
		synctest.Wait()
		require.Equal(t, []string{"alone"}, begun, "a text larger than all may have is read alone")
		ends[0]()
		synctest.Wait()
		require.Equal(t, []string{"alone", "later"}, begun)
		ends[1]()
		require.Equal(t, 10*smallBody, turns.left)
	})
}
