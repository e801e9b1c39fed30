package etcdstore

import (
	"context"
	"errors"

	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"

	"github.com/grpc-tool-bridge/toolbridge/tool"
)

// refusals are answers of etcd after which a write certainly was not done.
func refusals() []error {
	return []error{
		rpctypes.ErrNoSpace, rpctypes.ErrTooManyRequests, rpctypes.ErrNoLeader, rpctypes.ErrNotCapable, rpctypes.ErrStopped,
		rpctypes.ErrCorrupt, rpctypes.ErrUserEmpty, rpctypes.ErrAuthFailed, rpctypes.ErrPermissionDenied,
		rpctypes.ErrInvalidAuthToken, rpctypes.ErrAuthOldRevision, rpctypes.ErrUserNotFound, rpctypes.ErrLeaseNotFound,
	}
}

// readError translates an error of a read for whoever passed ctx.
func (s *Store) readError(ctx context.Context, err error) error {
	if e := ended(ctx, err); e != nil {
		return e
	}
	return s.unavailable(err)
}

// writeError translates an error of a write for whoever passed ctx. Where etcd did not say that the write was refused,
// it may have been done.
func (s *Store) writeError(ctx context.Context, err error) error {
	var known *tool.Error
	if errors.As(err, &known) {
		return err
	}
	s.failing.Store(true)
	if errors.Is(err, rpctypes.ErrRequestTooLarge) {
		s.failing.Store(false)
		return tool.Errorf(tool.MessageTooLarge, "message too large: one record must stay below the 1.5 MiB that etcd takes in a request: %w", err)
	}
	for _, refusal := range refusals() {
		if errors.Is(err, refusal) {
			return s.unavailable(err)
		}
	}
	if ctx.Err() != nil {
		s.failing.Store(false)
	}
	return tool.Errorf(tool.OutcomeUnknown, "the write may or may not have been done: read before you write again: %w", err)
}

// unsure reports whether a write that failed so may have been done all the same. The write with which etcd runs out of
// space is done and refused at once.
func unsure(failed error) bool {
	return tool.CodeOf(failed) == tool.OutcomeUnknown || errors.Is(failed, rpctypes.ErrNoSpace)
}

func (s *Store) unavailable(err error) *tool.Error {
	if fault := s.fault(); fault != nil {
		err = fault
	}
	return tool.Errorf(tool.StoreUnavailable, "the store at %s cannot be used now, nothing was changed: %w", s.place, err)
}

// ended returns the error of a caller whose time is over or who went away.
func ended(ctx context.Context, err error) *tool.Error {
	switch {
	case errors.Is(ctx.Err(), context.Canceled):
		return tool.Errorf(tool.Cancelled, "the caller went away: %w", err)
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		return tool.Errorf(tool.DeadlineExceeded, "the time for the request is over: %w", err)
	default:
		return nil
	}
}

// entry checks at the beginning of a method that there is still somebody to answer and a store to ask.
func (s *Store) entry(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return ended(ctx, err)
	}
	if fault := s.fault(); fault != nil {
		return s.unavailable(fault)
	}
	return nil
}
