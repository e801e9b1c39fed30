package etcdstore

import (
	"context"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
)

const (
	// maintenanceInterval is how often an embedded etcd is looked after.
	maintenanceInterval = 10 * time.Minute
	// A database of more than defragmentAbove bytes of which less than one part in defragmentFraction is in use is
	// defragmented, which blocks it for about a second a gigabyte.
	defragmentAbove    = 128 << 20
	defragmentFraction = 2
)

// maintain looks after an embedded etcd until life ends. etcd compacts by itself; giving space back is left to us.
func (s *Store) maintain(life context.Context) {
	ticker := time.NewTicker(maintenanceInterval)
	defer ticker.Stop()
	for {
		select {
		case <-life.Done():
			return
		case <-ticker.C:
			if err := s.tidy(life); err != nil && life.Err() == nil {
				s.logger.Warn("the store could not be tidied: it goes on and is tried again", "place", s.place, "error", err)
			}
		}
	}
}

// tidy gives space back that is no longer used, and lets writes in again if they were refused for want of it.
func (s *Store) tidy(ctx context.Context) error {
	status, err := s.client.Status(ctx, "")
	if err != nil {
		return err
	}
	alarms, err := s.client.AlarmList(ctx)
	if err != nil {
		return err
	}
	full := len(alarms.Alarms) > 0
	if full {
		if _, err := s.client.Compact(ctx, status.Header.Revision, clientv3.WithCompactPhysical()); err != nil {
			return err
		}
	}
	if full || (status.DbSize > defragmentAbove && status.DbSizeInUse < status.DbSize/defragmentFraction) {
		// Not through the client: its way to an etcd in the same process lacks the health server that this RPC wants.
		if err := s.embedded.etcd.Server.Backend().Defrag(); err != nil {
			return err
		}
	}
	if !full {
		return nil
	}
	if status, err = s.client.Status(ctx, ""); err != nil || status.DbSize >= s.quota {
		return err
	}
	_, err = s.client.AlarmDisarm(ctx, &clientv3.AlarmMember{})
	return err
}
