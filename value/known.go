package value

import (
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/emptypb"
	"google.golang.org/protobuf/types/known/fieldmaskpb"
	"google.golang.org/protobuf/types/known/timestamppb"
)

// The messages that every SDK knows are linked here, so that each program reads and writes their JSON form, the bridge's
// gateway among them, and not only those that happen to use one.
var _ = []proto.Message{(*durationpb.Duration)(nil), (*emptypb.Empty)(nil), (*fieldmaskpb.FieldMask)(nil), (*timestamppb.Timestamp)(nil)}
