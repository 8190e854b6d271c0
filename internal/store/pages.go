package store

import (
	"context"
	"database/sql"
	"fmt"

	"modernc.org/sqlite"
)

// PagesRead is how many pages of the file (4 KiB each) its readers have looked at since it was opened, those that
// were in memory already too: what questions have cost, as it is on every machine and under any
// load. The difference of two calls is the cost of what was asked between them.
func (db *DB) PagesRead(ctx context.Context) (pages int, err error) {
	var held []*sql.Conn
	defer func() { // in the order they were in, so that whoever asks next gets the same one
		for i := len(held) - 1; i >= 0; i-- {
			_ = held[i].Close()
		}
	}()
	for range readers {
		c, err := db.read.Conn(ctx)
		if err != nil {
			return 0, db.explain("count pages", err)
		}
		held = append(held, c)
		for _, op := range []sqlite.DBStatusOp{sqlite.DBStatusCacheHit, sqlite.DBStatusCacheMiss} {
			if err := c.Raw(func(driver any) error {
				counter, ok := driver.(sqlite.DBStatus)
				if !ok {
					return fmt.Errorf("the driver's %T counts nothing", driver)
				}
				n, _, err := counter.Status(op, false)
				pages += n
				return err
			}); err != nil {
				return 0, db.explain("count pages", err)
			}
		}
	}
	return pages, nil
}
