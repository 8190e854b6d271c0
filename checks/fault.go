package checks

import (
	"fmt"
	"runtime"
)

// Fault is what may be told of a value that [recover] gave. What the runtime panics with says which rule was
// broken and holds nothing of ours. Any other value is made by whoever panicked, of whatever was at hand, a password
// or a line of somebody else's mail: of that it is the type, and the trace says where it was.
func Fault(recovered any) string {
	if e, ok := recovered.(runtime.Error); ok {
		return Line(e.Error(), 300)
	}
	return fmt.Sprintf("a value of type %T", recovered)
}
