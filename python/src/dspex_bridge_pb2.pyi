from google.protobuf import any_pb2 as _any_pb2
from google.protobuf import duration_pb2 as _duration_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class ToolType(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    TOOL_TYPE_UNSPECIFIED: _ClassVar[ToolType]
    STANDARD: _ClassVar[ToolType]
    STREAMING: _ClassVar[ToolType]
    EXTERNAL: _ClassVar[ToolType]

class ArgumentKind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    POSITIONAL_OR_KEYWORD: _ClassVar[ArgumentKind]
    POSITIONAL_ONLY: _ClassVar[ArgumentKind]
    KEYWORD_ONLY: _ClassVar[ArgumentKind]
    VAR_POSITIONAL: _ClassVar[ArgumentKind]
    VAR_KEYWORD: _ClassVar[ArgumentKind]

class VariableEventType(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    VARIABLE_EVENT_TYPE_UNSPECIFIED: _ClassVar[VariableEventType]
    VARIABLE_SET: _ClassVar[VariableEventType]
    VARIABLE_DELETED: _ClassVar[VariableEventType]
    VARIABLE_CURRENT: _ClassVar[VariableEventType]

class CallState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    CALL_STATE_UNSPECIFIED: _ClassVar[CallState]
    CALL_QUEUED: _ClassVar[CallState]
    CALL_RUNNING: _ClassVar[CallState]
    CALL_DONE: _ClassVar[CallState]
    CALL_OUTCOME_UNKNOWN: _ClassVar[CallState]

class ValueKind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    NONE: _ClassVar[ValueKind]
    BOOL: _ClassVar[ValueKind]
    INT: _ClassVar[ValueKind]
    FLOAT: _ClassVar[ValueKind]
    STR: _ClassVar[ValueKind]
    BYTES: _ClassVar[ValueKind]
    BIGINT: _ClassVar[ValueKind]
    LIST: _ClassVar[ValueKind]
    TUPLE: _ClassVar[ValueKind]
    SET: _ClassVar[ValueKind]
    FROZENSET: _ClassVar[ValueKind]
    DICT: _ClassVar[ValueKind]
    DATETIME: _ClassVar[ValueKind]
    DATE: _ClassVar[ValueKind]
    TIME: _ClassVar[ValueKind]
    TIMEDELTA: _ClassVar[ValueKind]
    DECIMAL: _ClassVar[ValueKind]
    FRACTION: _ClassVar[ValueKind]
    COMPLEX: _ClassVar[ValueKind]
    UUID: _ClassVar[ValueKind]
    ENUM: _ClassVar[ValueKind]
    RECORD: _ClassVar[ValueKind]
    ANY: _ClassVar[ValueKind]

class WorkerState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    WORKER_STATE_UNSPECIFIED: _ClassVar[WorkerState]
    WORKER_READY: _ClassVar[WorkerState]
    WORKER_UNRESPONSIVE: _ClassVar[WorkerState]
    WORKER_DRAINING: _ClassVar[WorkerState]
    WORKER_DETACHED: _ClassVar[WorkerState]
TOOL_TYPE_UNSPECIFIED: ToolType
STANDARD: ToolType
STREAMING: ToolType
EXTERNAL: ToolType
POSITIONAL_OR_KEYWORD: ArgumentKind
POSITIONAL_ONLY: ArgumentKind
KEYWORD_ONLY: ArgumentKind
VAR_POSITIONAL: ArgumentKind
VAR_KEYWORD: ArgumentKind
VARIABLE_EVENT_TYPE_UNSPECIFIED: VariableEventType
VARIABLE_SET: VariableEventType
VARIABLE_DELETED: VariableEventType
VARIABLE_CURRENT: VariableEventType
CALL_STATE_UNSPECIFIED: CallState
CALL_QUEUED: CallState
CALL_RUNNING: CallState
CALL_DONE: CallState
CALL_OUTCOME_UNKNOWN: CallState
NONE: ValueKind
BOOL: ValueKind
INT: ValueKind
FLOAT: ValueKind
STR: ValueKind
BYTES: ValueKind
BIGINT: ValueKind
LIST: ValueKind
TUPLE: ValueKind
SET: ValueKind
FROZENSET: ValueKind
DICT: ValueKind
DATETIME: ValueKind
DATE: ValueKind
TIME: ValueKind
TIMEDELTA: ValueKind
DECIMAL: ValueKind
FRACTION: ValueKind
COMPLEX: ValueKind
UUID: ValueKind
ENUM: ValueKind
RECORD: ValueKind
ANY: ValueKind
WORKER_STATE_UNSPECIFIED: WorkerState
WORKER_READY: WorkerState
WORKER_UNRESPONSIVE: WorkerState
WORKER_DRAINING: WorkerState
WORKER_DETACHED: WorkerState

class ArgumentSpec(_message.Message):
    __slots__ = ("name", "python_type", "required", "description", "default_value", "nullable", "kind", "streamed")
    NAME_FIELD_NUMBER: _ClassVar[int]
    PYTHON_TYPE_FIELD_NUMBER: _ClassVar[int]
    REQUIRED_FIELD_NUMBER: _ClassVar[int]
    DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    DEFAULT_VALUE_FIELD_NUMBER: _ClassVar[int]
    NULLABLE_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    STREAMED_FIELD_NUMBER: _ClassVar[int]
    name: str
    python_type: str
    required: bool
    description: str
    default_value: _any_pb2.Any
    nullable: bool
    kind: ArgumentKind
    streamed: bool
    def __init__(self, name: _Optional[str] = ..., python_type: _Optional[str] = ..., required: bool = ..., description: _Optional[str] = ..., default_value: _Optional[_Union[_any_pb2.Any, _Mapping]] = ..., nullable: bool = ..., kind: _Optional[_Union[ArgumentKind, str]] = ..., streamed: bool = ...) -> None: ...

class ToolSpec(_message.Message):
    __slots__ = ("tool_id", "name", "description", "arguments", "type", "return_type", "input_schema", "output_schema", "idempotent", "available", "max_concurrency", "session_id", "metadata", "hidden", "once", "sticky", "timeout_us", "schema_hash", "order", "owner", "rate_per_second", "rate_burst")
    class MetadataEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    TOOL_ID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    ARGUMENTS_FIELD_NUMBER: _ClassVar[int]
    TYPE_FIELD_NUMBER: _ClassVar[int]
    RETURN_TYPE_FIELD_NUMBER: _ClassVar[int]
    INPUT_SCHEMA_FIELD_NUMBER: _ClassVar[int]
    OUTPUT_SCHEMA_FIELD_NUMBER: _ClassVar[int]
    IDEMPOTENT_FIELD_NUMBER: _ClassVar[int]
    AVAILABLE_FIELD_NUMBER: _ClassVar[int]
    MAX_CONCURRENCY_FIELD_NUMBER: _ClassVar[int]
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    METADATA_FIELD_NUMBER: _ClassVar[int]
    HIDDEN_FIELD_NUMBER: _ClassVar[int]
    ONCE_FIELD_NUMBER: _ClassVar[int]
    STICKY_FIELD_NUMBER: _ClassVar[int]
    TIMEOUT_US_FIELD_NUMBER: _ClassVar[int]
    SCHEMA_HASH_FIELD_NUMBER: _ClassVar[int]
    ORDER_FIELD_NUMBER: _ClassVar[int]
    OWNER_FIELD_NUMBER: _ClassVar[int]
    RATE_PER_SECOND_FIELD_NUMBER: _ClassVar[int]
    RATE_BURST_FIELD_NUMBER: _ClassVar[int]
    tool_id: str
    name: str
    description: str
    arguments: _containers.RepeatedCompositeFieldContainer[ArgumentSpec]
    type: ToolType
    return_type: str
    input_schema: str
    output_schema: str
    idempotent: bool
    available: bool
    max_concurrency: int
    session_id: str
    metadata: _containers.ScalarMap[str, str]
    hidden: bool
    once: bool
    sticky: bool
    timeout_us: int
    schema_hash: str
    order: int
    owner: str
    rate_per_second: float
    rate_burst: int
    def __init__(self, tool_id: _Optional[str] = ..., name: _Optional[str] = ..., description: _Optional[str] = ..., arguments: _Optional[_Iterable[_Union[ArgumentSpec, _Mapping]]] = ..., type: _Optional[_Union[ToolType, str]] = ..., return_type: _Optional[str] = ..., input_schema: _Optional[str] = ..., output_schema: _Optional[str] = ..., idempotent: bool = ..., available: bool = ..., max_concurrency: _Optional[int] = ..., session_id: _Optional[str] = ..., metadata: _Optional[_Mapping[str, str]] = ..., hidden: bool = ..., once: bool = ..., sticky: bool = ..., timeout_us: _Optional[int] = ..., schema_hash: _Optional[str] = ..., order: _Optional[int] = ..., owner: _Optional[str] = ..., rate_per_second: _Optional[float] = ..., rate_burst: _Optional[int] = ...) -> None: ...

class ToolCallRequest(_message.Message):
    __slots__ = ("session_id", "tool_id", "args", "kwargs", "request_id", "timeout_us", "call_depth", "parent_call", "stream", "epoch", "traceparent", "min_revision", "stream_id", "tracestate", "plain_values", "retry_of", "attempt", "bridge_run", "want_stack", "resume_from", "schema_hash", "principal", "tables", "takes_tables", "asks")
    class KwargsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: _any_pb2.Any
        def __init__(self, key: _Optional[str] = ..., value: _Optional[_Union[_any_pb2.Any, _Mapping]] = ...) -> None: ...
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    TOOL_ID_FIELD_NUMBER: _ClassVar[int]
    ARGS_FIELD_NUMBER: _ClassVar[int]
    KWARGS_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    TIMEOUT_US_FIELD_NUMBER: _ClassVar[int]
    CALL_DEPTH_FIELD_NUMBER: _ClassVar[int]
    PARENT_CALL_FIELD_NUMBER: _ClassVar[int]
    STREAM_FIELD_NUMBER: _ClassVar[int]
    EPOCH_FIELD_NUMBER: _ClassVar[int]
    TRACEPARENT_FIELD_NUMBER: _ClassVar[int]
    MIN_REVISION_FIELD_NUMBER: _ClassVar[int]
    STREAM_ID_FIELD_NUMBER: _ClassVar[int]
    TRACESTATE_FIELD_NUMBER: _ClassVar[int]
    PLAIN_VALUES_FIELD_NUMBER: _ClassVar[int]
    RETRY_OF_FIELD_NUMBER: _ClassVar[int]
    ATTEMPT_FIELD_NUMBER: _ClassVar[int]
    BRIDGE_RUN_FIELD_NUMBER: _ClassVar[int]
    WANT_STACK_FIELD_NUMBER: _ClassVar[int]
    RESUME_FROM_FIELD_NUMBER: _ClassVar[int]
    SCHEMA_HASH_FIELD_NUMBER: _ClassVar[int]
    PRINCIPAL_FIELD_NUMBER: _ClassVar[int]
    TABLES_FIELD_NUMBER: _ClassVar[int]
    TAKES_TABLES_FIELD_NUMBER: _ClassVar[int]
    ASKS_FIELD_NUMBER: _ClassVar[int]
    session_id: str
    tool_id: str
    args: _containers.RepeatedCompositeFieldContainer[_any_pb2.Any]
    kwargs: _containers.MessageMap[str, _any_pb2.Any]
    request_id: str
    timeout_us: int
    call_depth: int
    parent_call: int
    stream: bool
    epoch: int
    traceparent: str
    min_revision: str
    stream_id: str
    tracestate: str
    plain_values: bool
    retry_of: int
    attempt: int
    bridge_run: str
    want_stack: bool
    resume_from: int
    schema_hash: str
    principal: str
    tables: int
    takes_tables: bool
    asks: str
    def __init__(self, session_id: _Optional[str] = ..., tool_id: _Optional[str] = ..., args: _Optional[_Iterable[_Union[_any_pb2.Any, _Mapping]]] = ..., kwargs: _Optional[_Mapping[str, _any_pb2.Any]] = ..., request_id: _Optional[str] = ..., timeout_us: _Optional[int] = ..., call_depth: _Optional[int] = ..., parent_call: _Optional[int] = ..., stream: bool = ..., epoch: _Optional[int] = ..., traceparent: _Optional[str] = ..., min_revision: _Optional[str] = ..., stream_id: _Optional[str] = ..., tracestate: _Optional[str] = ..., plain_values: bool = ..., retry_of: _Optional[int] = ..., attempt: _Optional[int] = ..., bridge_run: _Optional[str] = ..., want_stack: bool = ..., resume_from: _Optional[int] = ..., schema_hash: _Optional[str] = ..., principal: _Optional[str] = ..., tables: _Optional[int] = ..., takes_tables: bool = ..., asks: _Optional[str] = ...) -> None: ...

class ExecutionMetrics(_message.Message):
    __slots__ = ("duration_ms", "queue_ms", "route_ms", "execute_ms", "transport_ms", "worker", "attempts")
    DURATION_MS_FIELD_NUMBER: _ClassVar[int]
    QUEUE_MS_FIELD_NUMBER: _ClassVar[int]
    ROUTE_MS_FIELD_NUMBER: _ClassVar[int]
    EXECUTE_MS_FIELD_NUMBER: _ClassVar[int]
    TRANSPORT_MS_FIELD_NUMBER: _ClassVar[int]
    WORKER_FIELD_NUMBER: _ClassVar[int]
    ATTEMPTS_FIELD_NUMBER: _ClassVar[int]
    duration_ms: float
    queue_ms: float
    route_ms: float
    execute_ms: float
    transport_ms: float
    worker: str
    attempts: int
    def __init__(self, duration_ms: _Optional[float] = ..., queue_ms: _Optional[float] = ..., route_ms: _Optional[float] = ..., execute_ms: _Optional[float] = ..., transport_ms: _Optional[float] = ..., worker: _Optional[str] = ..., attempts: _Optional[int] = ...) -> None: ...

class ErrorInfo(_message.Message):
    __slots__ = ("type", "message", "details", "retryable", "retry_after", "class_name", "exception", "stack_trace")
    class DetailsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    TYPE_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    DETAILS_FIELD_NUMBER: _ClassVar[int]
    RETRYABLE_FIELD_NUMBER: _ClassVar[int]
    RETRY_AFTER_FIELD_NUMBER: _ClassVar[int]
    CLASS_NAME_FIELD_NUMBER: _ClassVar[int]
    EXCEPTION_FIELD_NUMBER: _ClassVar[int]
    STACK_TRACE_FIELD_NUMBER: _ClassVar[int]
    type: str
    message: str
    details: _containers.ScalarMap[str, str]
    retryable: bool
    retry_after: float
    class_name: str
    exception: _any_pb2.Any
    stack_trace: str
    def __init__(self, type: _Optional[str] = ..., message: _Optional[str] = ..., details: _Optional[_Mapping[str, str]] = ..., retryable: bool = ..., retry_after: _Optional[float] = ..., class_name: _Optional[str] = ..., exception: _Optional[_Union[_any_pb2.Any, _Mapping]] = ..., stack_trace: _Optional[str] = ...) -> None: ...

class ToolCallResponse(_message.Message):
    __slots__ = ("success", "result", "error", "metrics", "request_id", "replayed")
    SUCCESS_FIELD_NUMBER: _ClassVar[int]
    RESULT_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    METRICS_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    REPLAYED_FIELD_NUMBER: _ClassVar[int]
    success: bool
    result: _any_pb2.Any
    error: ErrorInfo
    metrics: ExecutionMetrics
    request_id: str
    replayed: bool
    def __init__(self, success: bool = ..., result: _Optional[_Union[_any_pb2.Any, _Mapping]] = ..., error: _Optional[_Union[ErrorInfo, _Mapping]] = ..., metrics: _Optional[_Union[ExecutionMetrics, _Mapping]] = ..., request_id: _Optional[str] = ..., replayed: bool = ...) -> None: ...

class ToolStreamRequest(_message.Message):
    __slots__ = ("session_id", "tool_id", "args", "kwargs", "stream_id", "timeout_us", "call_depth", "resume_from", "epoch", "traceparent", "min_revision", "tracestate", "plain_values", "want_stack")
    class KwargsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: _any_pb2.Any
        def __init__(self, key: _Optional[str] = ..., value: _Optional[_Union[_any_pb2.Any, _Mapping]] = ...) -> None: ...
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    TOOL_ID_FIELD_NUMBER: _ClassVar[int]
    ARGS_FIELD_NUMBER: _ClassVar[int]
    KWARGS_FIELD_NUMBER: _ClassVar[int]
    STREAM_ID_FIELD_NUMBER: _ClassVar[int]
    TIMEOUT_US_FIELD_NUMBER: _ClassVar[int]
    CALL_DEPTH_FIELD_NUMBER: _ClassVar[int]
    RESUME_FROM_FIELD_NUMBER: _ClassVar[int]
    EPOCH_FIELD_NUMBER: _ClassVar[int]
    TRACEPARENT_FIELD_NUMBER: _ClassVar[int]
    MIN_REVISION_FIELD_NUMBER: _ClassVar[int]
    TRACESTATE_FIELD_NUMBER: _ClassVar[int]
    PLAIN_VALUES_FIELD_NUMBER: _ClassVar[int]
    WANT_STACK_FIELD_NUMBER: _ClassVar[int]
    session_id: str
    tool_id: str
    args: _containers.RepeatedCompositeFieldContainer[_any_pb2.Any]
    kwargs: _containers.MessageMap[str, _any_pb2.Any]
    stream_id: str
    timeout_us: int
    call_depth: int
    resume_from: int
    epoch: int
    traceparent: str
    min_revision: str
    tracestate: str
    plain_values: bool
    want_stack: bool
    def __init__(self, session_id: _Optional[str] = ..., tool_id: _Optional[str] = ..., args: _Optional[_Iterable[_Union[_any_pb2.Any, _Mapping]]] = ..., kwargs: _Optional[_Mapping[str, _any_pb2.Any]] = ..., stream_id: _Optional[str] = ..., timeout_us: _Optional[int] = ..., call_depth: _Optional[int] = ..., resume_from: _Optional[int] = ..., epoch: _Optional[int] = ..., traceparent: _Optional[str] = ..., min_revision: _Optional[str] = ..., tracestate: _Optional[str] = ..., plain_values: bool = ..., want_stack: bool = ...) -> None: ...

class ToolStreamChunk(_message.Message):
    __slots__ = ("stream_id", "sequence", "content", "table_kind")
    STREAM_ID_FIELD_NUMBER: _ClassVar[int]
    SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    CONTENT_FIELD_NUMBER: _ClassVar[int]
    TABLE_KIND_FIELD_NUMBER: _ClassVar[int]
    stream_id: str
    sequence: int
    content: ToolStreamContent
    table_kind: str
    def __init__(self, stream_id: _Optional[str] = ..., sequence: _Optional[int] = ..., content: _Optional[_Union[ToolStreamContent, _Mapping]] = ..., table_kind: _Optional[str] = ...) -> None: ...

class ToolStreamContent(_message.Message):
    __slots__ = ("data", "complete", "error")
    DATA_FIELD_NUMBER: _ClassVar[int]
    COMPLETE_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    data: _any_pb2.Any
    complete: CompleteSignal
    error: ErrorInfo
    def __init__(self, data: _Optional[_Union[_any_pb2.Any, _Mapping]] = ..., complete: _Optional[_Union[CompleteSignal, _Mapping]] = ..., error: _Optional[_Union[ErrorInfo, _Mapping]] = ...) -> None: ...

class CompleteSignal(_message.Message):
    __slots__ = ("total_chunks", "metrics")
    TOTAL_CHUNKS_FIELD_NUMBER: _ClassVar[int]
    METRICS_FIELD_NUMBER: _ClassVar[int]
    total_chunks: int
    metrics: ExecutionMetrics
    def __init__(self, total_chunks: _Optional[int] = ..., metrics: _Optional[_Union[ExecutionMetrics, _Mapping]] = ...) -> None: ...

class BatchExecuteToolsRequest(_message.Message):
    __slots__ = ("session_id", "requests", "max_concurrency", "fail_fast", "batch_id", "timeout_us", "in_parts")
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    REQUESTS_FIELD_NUMBER: _ClassVar[int]
    MAX_CONCURRENCY_FIELD_NUMBER: _ClassVar[int]
    FAIL_FAST_FIELD_NUMBER: _ClassVar[int]
    BATCH_ID_FIELD_NUMBER: _ClassVar[int]
    TIMEOUT_US_FIELD_NUMBER: _ClassVar[int]
    IN_PARTS_FIELD_NUMBER: _ClassVar[int]
    session_id: str
    requests: _containers.RepeatedCompositeFieldContainer[ToolCallRequest]
    max_concurrency: int
    fail_fast: bool
    batch_id: str
    timeout_us: int
    in_parts: bool
    def __init__(self, session_id: _Optional[str] = ..., requests: _Optional[_Iterable[_Union[ToolCallRequest, _Mapping]]] = ..., max_concurrency: _Optional[int] = ..., fail_fast: bool = ..., batch_id: _Optional[str] = ..., timeout_us: _Optional[int] = ..., in_parts: bool = ...) -> None: ...

class BatchExecuteToolsResponse(_message.Message):
    __slots__ = ("success", "error", "responses", "places")
    SUCCESS_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    RESPONSES_FIELD_NUMBER: _ClassVar[int]
    PLACES_FIELD_NUMBER: _ClassVar[int]
    success: bool
    error: ErrorInfo
    responses: _containers.RepeatedCompositeFieldContainer[ToolCallResponse]
    places: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, success: bool = ..., error: _Optional[_Union[ErrorInfo, _Mapping]] = ..., responses: _Optional[_Iterable[_Union[ToolCallResponse, _Mapping]]] = ..., places: _Optional[_Iterable[int]] = ...) -> None: ...

class BatchItemResponse(_message.Message):
    __slots__ = ("index", "response", "refused")
    INDEX_FIELD_NUMBER: _ClassVar[int]
    RESPONSE_FIELD_NUMBER: _ClassVar[int]
    REFUSED_FIELD_NUMBER: _ClassVar[int]
    index: int
    response: ToolCallResponse
    refused: ErrorInfo
    def __init__(self, index: _Optional[int] = ..., response: _Optional[_Union[ToolCallResponse, _Mapping]] = ..., refused: _Optional[_Union[ErrorInfo, _Mapping]] = ...) -> None: ...

class Session(_message.Message):
    __slots__ = ("session_id", "epoch", "metadata", "created_at", "last_used_at", "ttl", "tool_count", "revision", "owner")
    class MetadataEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    EPOCH_FIELD_NUMBER: _ClassVar[int]
    METADATA_FIELD_NUMBER: _ClassVar[int]
    CREATED_AT_FIELD_NUMBER: _ClassVar[int]
    LAST_USED_AT_FIELD_NUMBER: _ClassVar[int]
    TTL_FIELD_NUMBER: _ClassVar[int]
    TOOL_COUNT_FIELD_NUMBER: _ClassVar[int]
    REVISION_FIELD_NUMBER: _ClassVar[int]
    OWNER_FIELD_NUMBER: _ClassVar[int]
    session_id: str
    epoch: int
    metadata: _containers.ScalarMap[str, str]
    created_at: _timestamp_pb2.Timestamp
    last_used_at: _timestamp_pb2.Timestamp
    ttl: _duration_pb2.Duration
    tool_count: int
    revision: str
    owner: str
    def __init__(self, session_id: _Optional[str] = ..., epoch: _Optional[int] = ..., metadata: _Optional[_Mapping[str, str]] = ..., created_at: _Optional[_Union[_timestamp_pb2.Timestamp, _Mapping]] = ..., last_used_at: _Optional[_Union[_timestamp_pb2.Timestamp, _Mapping]] = ..., ttl: _Optional[_Union[_duration_pb2.Duration, _Mapping]] = ..., tool_count: _Optional[int] = ..., revision: _Optional[str] = ..., owner: _Optional[str] = ...) -> None: ...

class Limits(_message.Message):
    __slots__ = ("max_value_bytes", "max_variable_bytes", "max_batch_items", "max_call_depth", "default_timeout_us", "max_table_bytes")
    MAX_VALUE_BYTES_FIELD_NUMBER: _ClassVar[int]
    MAX_VARIABLE_BYTES_FIELD_NUMBER: _ClassVar[int]
    MAX_BATCH_ITEMS_FIELD_NUMBER: _ClassVar[int]
    MAX_CALL_DEPTH_FIELD_NUMBER: _ClassVar[int]
    DEFAULT_TIMEOUT_US_FIELD_NUMBER: _ClassVar[int]
    MAX_TABLE_BYTES_FIELD_NUMBER: _ClassVar[int]
    max_value_bytes: int
    max_variable_bytes: int
    max_batch_items: int
    max_call_depth: int
    default_timeout_us: int
    max_table_bytes: int
    def __init__(self, max_value_bytes: _Optional[int] = ..., max_variable_bytes: _Optional[int] = ..., max_batch_items: _Optional[int] = ..., max_call_depth: _Optional[int] = ..., default_timeout_us: _Optional[int] = ..., max_table_bytes: _Optional[int] = ...) -> None: ...

class InitializeSessionRequest(_message.Message):
    __slots__ = ("session_id", "metadata", "create_only", "ttl", "client")
    class MetadataEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    class ClientEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    METADATA_FIELD_NUMBER: _ClassVar[int]
    CREATE_ONLY_FIELD_NUMBER: _ClassVar[int]
    TTL_FIELD_NUMBER: _ClassVar[int]
    CLIENT_FIELD_NUMBER: _ClassVar[int]
    session_id: str
    metadata: _containers.ScalarMap[str, str]
    create_only: bool
    ttl: _duration_pb2.Duration
    client: _containers.ScalarMap[str, str]
    def __init__(self, session_id: _Optional[str] = ..., metadata: _Optional[_Mapping[str, str]] = ..., create_only: bool = ..., ttl: _Optional[_Union[_duration_pb2.Duration, _Mapping]] = ..., client: _Optional[_Mapping[str, str]] = ...) -> None: ...

class InitializeSessionResponse(_message.Message):
    __slots__ = ("success", "error", "tool_count", "capabilities", "session", "created", "bridge_run", "limits", "tools")
    SUCCESS_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    TOOL_COUNT_FIELD_NUMBER: _ClassVar[int]
    CAPABILITIES_FIELD_NUMBER: _ClassVar[int]
    SESSION_FIELD_NUMBER: _ClassVar[int]
    CREATED_FIELD_NUMBER: _ClassVar[int]
    BRIDGE_RUN_FIELD_NUMBER: _ClassVar[int]
    LIMITS_FIELD_NUMBER: _ClassVar[int]
    TOOLS_FIELD_NUMBER: _ClassVar[int]
    success: bool
    error: ErrorInfo
    tool_count: int
    capabilities: _containers.RepeatedScalarFieldContainer[str]
    session: Session
    created: bool
    bridge_run: str
    limits: Limits
    tools: _containers.RepeatedCompositeFieldContainer[ToolSpec]
    def __init__(self, success: bool = ..., error: _Optional[_Union[ErrorInfo, _Mapping]] = ..., tool_count: _Optional[int] = ..., capabilities: _Optional[_Iterable[str]] = ..., session: _Optional[_Union[Session, _Mapping]] = ..., created: bool = ..., bridge_run: _Optional[str] = ..., limits: _Optional[_Union[Limits, _Mapping]] = ..., tools: _Optional[_Iterable[_Union[ToolSpec, _Mapping]]] = ...) -> None: ...

class CleanupSessionRequest(_message.Message):
    __slots__ = ("session_id", "force", "epoch")
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    FORCE_FIELD_NUMBER: _ClassVar[int]
    EPOCH_FIELD_NUMBER: _ClassVar[int]
    session_id: str
    force: bool
    epoch: int
    def __init__(self, session_id: _Optional[str] = ..., force: bool = ..., epoch: _Optional[int] = ...) -> None: ...

class CleanupSessionResponse(_message.Message):
    __slots__ = ("success", "error", "tools_removed", "variables_removed", "agents_removed")
    SUCCESS_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    TOOLS_REMOVED_FIELD_NUMBER: _ClassVar[int]
    VARIABLES_REMOVED_FIELD_NUMBER: _ClassVar[int]
    AGENTS_REMOVED_FIELD_NUMBER: _ClassVar[int]
    success: bool
    error: ErrorInfo
    tools_removed: int
    variables_removed: int
    agents_removed: int
    def __init__(self, success: bool = ..., error: _Optional[_Union[ErrorInfo, _Mapping]] = ..., tools_removed: _Optional[int] = ..., variables_removed: _Optional[int] = ..., agents_removed: _Optional[int] = ...) -> None: ...

class GetSessionRequest(_message.Message):
    __slots__ = ("session_id", "min_revision", "epoch")
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    MIN_REVISION_FIELD_NUMBER: _ClassVar[int]
    EPOCH_FIELD_NUMBER: _ClassVar[int]
    session_id: str
    min_revision: str
    epoch: int
    def __init__(self, session_id: _Optional[str] = ..., min_revision: _Optional[str] = ..., epoch: _Optional[int] = ...) -> None: ...

class GetSessionResponse(_message.Message):
    __slots__ = ("success", "error", "session")
    SUCCESS_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    SESSION_FIELD_NUMBER: _ClassVar[int]
    success: bool
    error: ErrorInfo
    session: Session
    def __init__(self, success: bool = ..., error: _Optional[_Union[ErrorInfo, _Mapping]] = ..., session: _Optional[_Union[Session, _Mapping]] = ...) -> None: ...

class ListSessionsRequest(_message.Message):
    __slots__ = ("page_size", "page_token", "prefix")
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    PREFIX_FIELD_NUMBER: _ClassVar[int]
    page_size: int
    page_token: str
    prefix: str
    def __init__(self, page_size: _Optional[int] = ..., page_token: _Optional[str] = ..., prefix: _Optional[str] = ...) -> None: ...

class ListSessionsResponse(_message.Message):
    __slots__ = ("success", "error", "sessions", "next_page_token")
    SUCCESS_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    SESSIONS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    success: bool
    error: ErrorInfo
    sessions: _containers.RepeatedCompositeFieldContainer[Session]
    next_page_token: str
    def __init__(self, success: bool = ..., error: _Optional[_Union[ErrorInfo, _Mapping]] = ..., sessions: _Optional[_Iterable[_Union[Session, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class GetSessionToolsRequest(_message.Message):
    __slots__ = ("session_id", "min_revision", "epoch")
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    MIN_REVISION_FIELD_NUMBER: _ClassVar[int]
    EPOCH_FIELD_NUMBER: _ClassVar[int]
    session_id: str
    min_revision: str
    epoch: int
    def __init__(self, session_id: _Optional[str] = ..., min_revision: _Optional[str] = ..., epoch: _Optional[int] = ...) -> None: ...

class GetSessionToolsResponse(_message.Message):
    __slots__ = ("success", "error", "tools", "revision")
    SUCCESS_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    TOOLS_FIELD_NUMBER: _ClassVar[int]
    REVISION_FIELD_NUMBER: _ClassVar[int]
    success: bool
    error: ErrorInfo
    tools: _containers.RepeatedCompositeFieldContainer[ToolSpec]
    revision: str
    def __init__(self, success: bool = ..., error: _Optional[_Union[ErrorInfo, _Mapping]] = ..., tools: _Optional[_Iterable[_Union[ToolSpec, _Mapping]]] = ..., revision: _Optional[str] = ...) -> None: ...

class RegisterToolsRequest(_message.Message):
    __slots__ = ("session_id", "tools", "epoch")
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    TOOLS_FIELD_NUMBER: _ClassVar[int]
    EPOCH_FIELD_NUMBER: _ClassVar[int]
    session_id: str
    tools: _containers.RepeatedCompositeFieldContainer[ToolSpec]
    epoch: int
    def __init__(self, session_id: _Optional[str] = ..., tools: _Optional[_Iterable[_Union[ToolSpec, _Mapping]]] = ..., epoch: _Optional[int] = ...) -> None: ...

class RegisterToolsResponse(_message.Message):
    __slots__ = ("success", "error", "tool_ids", "revision")
    SUCCESS_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    TOOL_IDS_FIELD_NUMBER: _ClassVar[int]
    REVISION_FIELD_NUMBER: _ClassVar[int]
    success: bool
    error: ErrorInfo
    tool_ids: _containers.RepeatedScalarFieldContainer[str]
    revision: str
    def __init__(self, success: bool = ..., error: _Optional[_Union[ErrorInfo, _Mapping]] = ..., tool_ids: _Optional[_Iterable[str]] = ..., revision: _Optional[str] = ...) -> None: ...

class UnregisterToolsRequest(_message.Message):
    __slots__ = ("session_id", "tool_ids", "epoch")
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    TOOL_IDS_FIELD_NUMBER: _ClassVar[int]
    EPOCH_FIELD_NUMBER: _ClassVar[int]
    session_id: str
    tool_ids: _containers.RepeatedScalarFieldContainer[str]
    epoch: int
    def __init__(self, session_id: _Optional[str] = ..., tool_ids: _Optional[_Iterable[str]] = ..., epoch: _Optional[int] = ...) -> None: ...

class UnregisterToolsResponse(_message.Message):
    __slots__ = ("success", "error", "revision")
    SUCCESS_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    REVISION_FIELD_NUMBER: _ClassVar[int]
    success: bool
    error: ErrorInfo
    revision: str
    def __init__(self, success: bool = ..., error: _Optional[_Union[ErrorInfo, _Mapping]] = ..., revision: _Optional[str] = ...) -> None: ...

class Variable(_message.Message):
    __slots__ = ("name", "value", "metadata", "revision", "updated_at")
    class MetadataEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    NAME_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    METADATA_FIELD_NUMBER: _ClassVar[int]
    REVISION_FIELD_NUMBER: _ClassVar[int]
    UPDATED_AT_FIELD_NUMBER: _ClassVar[int]
    name: str
    value: _any_pb2.Any
    metadata: _containers.ScalarMap[str, str]
    revision: str
    updated_at: _timestamp_pb2.Timestamp
    def __init__(self, name: _Optional[str] = ..., value: _Optional[_Union[_any_pb2.Any, _Mapping]] = ..., metadata: _Optional[_Mapping[str, str]] = ..., revision: _Optional[str] = ..., updated_at: _Optional[_Union[_timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class SetVariableRequest(_message.Message):
    __slots__ = ("session_id", "name", "value", "metadata", "if_revision", "if_absent", "request_id", "epoch")
    class MetadataEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    METADATA_FIELD_NUMBER: _ClassVar[int]
    IF_REVISION_FIELD_NUMBER: _ClassVar[int]
    IF_ABSENT_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    EPOCH_FIELD_NUMBER: _ClassVar[int]
    session_id: str
    name: str
    value: _any_pb2.Any
    metadata: _containers.ScalarMap[str, str]
    if_revision: str
    if_absent: bool
    request_id: str
    epoch: int
    def __init__(self, session_id: _Optional[str] = ..., name: _Optional[str] = ..., value: _Optional[_Union[_any_pb2.Any, _Mapping]] = ..., metadata: _Optional[_Mapping[str, str]] = ..., if_revision: _Optional[str] = ..., if_absent: bool = ..., request_id: _Optional[str] = ..., epoch: _Optional[int] = ...) -> None: ...

class SetVariableResponse(_message.Message):
    __slots__ = ("success", "error", "revision")
    SUCCESS_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    REVISION_FIELD_NUMBER: _ClassVar[int]
    success: bool
    error: ErrorInfo
    revision: str
    def __init__(self, success: bool = ..., error: _Optional[_Union[ErrorInfo, _Mapping]] = ..., revision: _Optional[str] = ...) -> None: ...

class GetVariableRequest(_message.Message):
    __slots__ = ("session_id", "name", "epoch")
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    EPOCH_FIELD_NUMBER: _ClassVar[int]
    session_id: str
    name: str
    epoch: int
    def __init__(self, session_id: _Optional[str] = ..., name: _Optional[str] = ..., epoch: _Optional[int] = ...) -> None: ...

class GetVariableResponse(_message.Message):
    __slots__ = ("success", "error", "variable")
    SUCCESS_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    VARIABLE_FIELD_NUMBER: _ClassVar[int]
    success: bool
    error: ErrorInfo
    variable: Variable
    def __init__(self, success: bool = ..., error: _Optional[_Union[ErrorInfo, _Mapping]] = ..., variable: _Optional[_Union[Variable, _Mapping]] = ...) -> None: ...

class DeleteVariableRequest(_message.Message):
    __slots__ = ("session_id", "name", "if_revision", "epoch")
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    IF_REVISION_FIELD_NUMBER: _ClassVar[int]
    EPOCH_FIELD_NUMBER: _ClassVar[int]
    session_id: str
    name: str
    if_revision: str
    epoch: int
    def __init__(self, session_id: _Optional[str] = ..., name: _Optional[str] = ..., if_revision: _Optional[str] = ..., epoch: _Optional[int] = ...) -> None: ...

class DeleteVariableResponse(_message.Message):
    __slots__ = ("success", "error")
    SUCCESS_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    success: bool
    error: ErrorInfo
    def __init__(self, success: bool = ..., error: _Optional[_Union[ErrorInfo, _Mapping]] = ...) -> None: ...

class ListVariablesRequest(_message.Message):
    __slots__ = ("session_id", "prefix", "with_values", "page_size", "page_token", "epoch")
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    PREFIX_FIELD_NUMBER: _ClassVar[int]
    WITH_VALUES_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    EPOCH_FIELD_NUMBER: _ClassVar[int]
    session_id: str
    prefix: str
    with_values: bool
    page_size: int
    page_token: str
    epoch: int
    def __init__(self, session_id: _Optional[str] = ..., prefix: _Optional[str] = ..., with_values: bool = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ..., epoch: _Optional[int] = ...) -> None: ...

class ListVariablesResponse(_message.Message):
    __slots__ = ("success", "error", "variables", "next_page_token")
    SUCCESS_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    VARIABLES_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    success: bool
    error: ErrorInfo
    variables: _containers.RepeatedCompositeFieldContainer[Variable]
    next_page_token: str
    def __init__(self, success: bool = ..., error: _Optional[_Union[ErrorInfo, _Mapping]] = ..., variables: _Optional[_Iterable[_Union[Variable, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class UpdateVariablesRequest(_message.Message):
    __slots__ = ("session_id", "variables", "epoch")
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    VARIABLES_FIELD_NUMBER: _ClassVar[int]
    EPOCH_FIELD_NUMBER: _ClassVar[int]
    session_id: str
    variables: _containers.RepeatedCompositeFieldContainer[Variable]
    epoch: int
    def __init__(self, session_id: _Optional[str] = ..., variables: _Optional[_Iterable[_Union[Variable, _Mapping]]] = ..., epoch: _Optional[int] = ...) -> None: ...

class UpdateVariablesResponse(_message.Message):
    __slots__ = ("success", "error", "revisions")
    SUCCESS_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    REVISIONS_FIELD_NUMBER: _ClassVar[int]
    success: bool
    error: ErrorInfo
    revisions: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, success: bool = ..., error: _Optional[_Union[ErrorInfo, _Mapping]] = ..., revisions: _Optional[_Iterable[str]] = ...) -> None: ...

class WatchVariablesRequest(_message.Message):
    __slots__ = ("session_id", "names", "epoch")
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    NAMES_FIELD_NUMBER: _ClassVar[int]
    EPOCH_FIELD_NUMBER: _ClassVar[int]
    session_id: str
    names: _containers.RepeatedScalarFieldContainer[str]
    epoch: int
    def __init__(self, session_id: _Optional[str] = ..., names: _Optional[_Iterable[str]] = ..., epoch: _Optional[int] = ...) -> None: ...

class VariableEvent(_message.Message):
    __slots__ = ("type", "variable", "error")
    TYPE_FIELD_NUMBER: _ClassVar[int]
    VARIABLE_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    type: VariableEventType
    variable: Variable
    error: ErrorInfo
    def __init__(self, type: _Optional[_Union[VariableEventType, str]] = ..., variable: _Optional[_Union[Variable, _Mapping]] = ..., error: _Optional[_Union[ErrorInfo, _Mapping]] = ...) -> None: ...

class Agent(_message.Message):
    __slots__ = ("agent_id", "signature", "tool_names", "max_iters", "model", "instructions", "metadata", "created_at")
    class MetadataEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    AGENT_ID_FIELD_NUMBER: _ClassVar[int]
    SIGNATURE_FIELD_NUMBER: _ClassVar[int]
    TOOL_NAMES_FIELD_NUMBER: _ClassVar[int]
    MAX_ITERS_FIELD_NUMBER: _ClassVar[int]
    MODEL_FIELD_NUMBER: _ClassVar[int]
    INSTRUCTIONS_FIELD_NUMBER: _ClassVar[int]
    METADATA_FIELD_NUMBER: _ClassVar[int]
    CREATED_AT_FIELD_NUMBER: _ClassVar[int]
    agent_id: str
    signature: str
    tool_names: _containers.RepeatedScalarFieldContainer[str]
    max_iters: int
    model: str
    instructions: str
    metadata: _containers.ScalarMap[str, str]
    created_at: _timestamp_pb2.Timestamp
    def __init__(self, agent_id: _Optional[str] = ..., signature: _Optional[str] = ..., tool_names: _Optional[_Iterable[str]] = ..., max_iters: _Optional[int] = ..., model: _Optional[str] = ..., instructions: _Optional[str] = ..., metadata: _Optional[_Mapping[str, str]] = ..., created_at: _Optional[_Union[_timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class CreateReActAgentRequest(_message.Message):
    __slots__ = ("session_id", "agent", "epoch")
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    AGENT_FIELD_NUMBER: _ClassVar[int]
    EPOCH_FIELD_NUMBER: _ClassVar[int]
    session_id: str
    agent: Agent
    epoch: int
    def __init__(self, session_id: _Optional[str] = ..., agent: _Optional[_Union[Agent, _Mapping]] = ..., epoch: _Optional[int] = ...) -> None: ...

class CreateReActAgentResponse(_message.Message):
    __slots__ = ("success", "error", "agent_id")
    SUCCESS_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    AGENT_ID_FIELD_NUMBER: _ClassVar[int]
    success: bool
    error: ErrorInfo
    agent_id: str
    def __init__(self, success: bool = ..., error: _Optional[_Union[ErrorInfo, _Mapping]] = ..., agent_id: _Optional[str] = ...) -> None: ...

class ListAgentsRequest(_message.Message):
    __slots__ = ("session_id", "epoch")
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    EPOCH_FIELD_NUMBER: _ClassVar[int]
    session_id: str
    epoch: int
    def __init__(self, session_id: _Optional[str] = ..., epoch: _Optional[int] = ...) -> None: ...

class ListAgentsResponse(_message.Message):
    __slots__ = ("success", "error", "agents")
    SUCCESS_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    AGENTS_FIELD_NUMBER: _ClassVar[int]
    success: bool
    error: ErrorInfo
    agents: _containers.RepeatedCompositeFieldContainer[Agent]
    def __init__(self, success: bool = ..., error: _Optional[_Union[ErrorInfo, _Mapping]] = ..., agents: _Optional[_Iterable[_Union[Agent, _Mapping]]] = ...) -> None: ...

class DeleteAgentRequest(_message.Message):
    __slots__ = ("session_id", "agent_id", "epoch")
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    AGENT_ID_FIELD_NUMBER: _ClassVar[int]
    EPOCH_FIELD_NUMBER: _ClassVar[int]
    session_id: str
    agent_id: str
    epoch: int
    def __init__(self, session_id: _Optional[str] = ..., agent_id: _Optional[str] = ..., epoch: _Optional[int] = ...) -> None: ...

class DeleteAgentResponse(_message.Message):
    __slots__ = ("success", "error")
    SUCCESS_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    success: bool
    error: ErrorInfo
    def __init__(self, success: bool = ..., error: _Optional[_Union[ErrorInfo, _Mapping]] = ...) -> None: ...

class ExecuteAgentRequest(_message.Message):
    __slots__ = ("session_id", "agent_id", "input", "stream", "run_id", "timeout_us", "call_depth", "history", "model", "epoch", "traceparent")
    class InputEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: _any_pb2.Any
        def __init__(self, key: _Optional[str] = ..., value: _Optional[_Union[_any_pb2.Any, _Mapping]] = ...) -> None: ...
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    AGENT_ID_FIELD_NUMBER: _ClassVar[int]
    INPUT_FIELD_NUMBER: _ClassVar[int]
    STREAM_FIELD_NUMBER: _ClassVar[int]
    RUN_ID_FIELD_NUMBER: _ClassVar[int]
    TIMEOUT_US_FIELD_NUMBER: _ClassVar[int]
    CALL_DEPTH_FIELD_NUMBER: _ClassVar[int]
    HISTORY_FIELD_NUMBER: _ClassVar[int]
    MODEL_FIELD_NUMBER: _ClassVar[int]
    EPOCH_FIELD_NUMBER: _ClassVar[int]
    TRACEPARENT_FIELD_NUMBER: _ClassVar[int]
    session_id: str
    agent_id: str
    input: _containers.MessageMap[str, _any_pb2.Any]
    stream: bool
    run_id: str
    timeout_us: int
    call_depth: int
    history: _containers.RepeatedCompositeFieldContainer[_any_pb2.Any]
    model: str
    epoch: int
    traceparent: str
    def __init__(self, session_id: _Optional[str] = ..., agent_id: _Optional[str] = ..., input: _Optional[_Mapping[str, _any_pb2.Any]] = ..., stream: bool = ..., run_id: _Optional[str] = ..., timeout_us: _Optional[int] = ..., call_depth: _Optional[int] = ..., history: _Optional[_Iterable[_Union[_any_pb2.Any, _Mapping]]] = ..., model: _Optional[str] = ..., epoch: _Optional[int] = ..., traceparent: _Optional[str] = ...) -> None: ...

class AgentEvent(_message.Message):
    __slots__ = ("run_id", "sequence", "type", "step", "text", "tool_name", "tool_args", "observation", "error", "final_answer", "outputs", "metrics")
    class ToolArgsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: _any_pb2.Any
        def __init__(self, key: _Optional[str] = ..., value: _Optional[_Union[_any_pb2.Any, _Mapping]] = ...) -> None: ...
    class OutputsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: _any_pb2.Any
        def __init__(self, key: _Optional[str] = ..., value: _Optional[_Union[_any_pb2.Any, _Mapping]] = ...) -> None: ...
    RUN_ID_FIELD_NUMBER: _ClassVar[int]
    SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    TYPE_FIELD_NUMBER: _ClassVar[int]
    STEP_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    TOOL_NAME_FIELD_NUMBER: _ClassVar[int]
    TOOL_ARGS_FIELD_NUMBER: _ClassVar[int]
    OBSERVATION_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    FINAL_ANSWER_FIELD_NUMBER: _ClassVar[int]
    OUTPUTS_FIELD_NUMBER: _ClassVar[int]
    METRICS_FIELD_NUMBER: _ClassVar[int]
    run_id: str
    sequence: int
    type: str
    step: int
    text: str
    tool_name: str
    tool_args: _containers.MessageMap[str, _any_pb2.Any]
    observation: _any_pb2.Any
    error: ErrorInfo
    final_answer: _any_pb2.Any
    outputs: _containers.MessageMap[str, _any_pb2.Any]
    metrics: ExecutionMetrics
    def __init__(self, run_id: _Optional[str] = ..., sequence: _Optional[int] = ..., type: _Optional[str] = ..., step: _Optional[int] = ..., text: _Optional[str] = ..., tool_name: _Optional[str] = ..., tool_args: _Optional[_Mapping[str, _any_pb2.Any]] = ..., observation: _Optional[_Union[_any_pb2.Any, _Mapping]] = ..., error: _Optional[_Union[ErrorInfo, _Mapping]] = ..., final_answer: _Optional[_Union[_any_pb2.Any, _Mapping]] = ..., outputs: _Optional[_Mapping[str, _any_pb2.Any]] = ..., metrics: _Optional[_Union[ExecutionMetrics, _Mapping]] = ...) -> None: ...

class ReActRun(_message.Message):
    __slots__ = ("agent", "request")
    AGENT_FIELD_NUMBER: _ClassVar[int]
    REQUEST_FIELD_NUMBER: _ClassVar[int]
    agent: Agent
    request: ExecuteAgentRequest
    def __init__(self, agent: _Optional[_Union[Agent, _Mapping]] = ..., request: _Optional[_Union[ExecuteAgentRequest, _Mapping]] = ...) -> None: ...

class CallStatus(_message.Message):
    __slots__ = ("request_id", "session_id", "tool_id", "state", "started_at", "worker", "metrics", "error", "call_id", "phase", "call_depth", "parent_call_id", "stream")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    TOOL_ID_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    STARTED_AT_FIELD_NUMBER: _ClassVar[int]
    WORKER_FIELD_NUMBER: _ClassVar[int]
    METRICS_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    CALL_ID_FIELD_NUMBER: _ClassVar[int]
    PHASE_FIELD_NUMBER: _ClassVar[int]
    CALL_DEPTH_FIELD_NUMBER: _ClassVar[int]
    PARENT_CALL_ID_FIELD_NUMBER: _ClassVar[int]
    STREAM_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    session_id: str
    tool_id: str
    state: CallState
    started_at: _timestamp_pb2.Timestamp
    worker: str
    metrics: ExecutionMetrics
    error: ErrorInfo
    call_id: str
    phase: str
    call_depth: int
    parent_call_id: str
    stream: bool
    def __init__(self, request_id: _Optional[str] = ..., session_id: _Optional[str] = ..., tool_id: _Optional[str] = ..., state: _Optional[_Union[CallState, str]] = ..., started_at: _Optional[_Union[_timestamp_pb2.Timestamp, _Mapping]] = ..., worker: _Optional[str] = ..., metrics: _Optional[_Union[ExecutionMetrics, _Mapping]] = ..., error: _Optional[_Union[ErrorInfo, _Mapping]] = ..., call_id: _Optional[str] = ..., phase: _Optional[str] = ..., call_depth: _Optional[int] = ..., parent_call_id: _Optional[str] = ..., stream: bool = ...) -> None: ...

class GetCallRequest(_message.Message):
    __slots__ = ("session_id", "request_id", "call_id")
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    CALL_ID_FIELD_NUMBER: _ClassVar[int]
    session_id: str
    request_id: str
    call_id: str
    def __init__(self, session_id: _Optional[str] = ..., request_id: _Optional[str] = ..., call_id: _Optional[str] = ...) -> None: ...

class GetCallResponse(_message.Message):
    __slots__ = ("success", "error", "call")
    SUCCESS_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    CALL_FIELD_NUMBER: _ClassVar[int]
    success: bool
    error: ErrorInfo
    call: CallStatus
    def __init__(self, success: bool = ..., error: _Optional[_Union[ErrorInfo, _Mapping]] = ..., call: _Optional[_Union[CallStatus, _Mapping]] = ...) -> None: ...

class ListCallsRequest(_message.Message):
    __slots__ = ("session_id", "state", "page_size", "page_token", "tool_id", "request_id")
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    TOOL_ID_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    session_id: str
    state: CallState
    page_size: int
    page_token: str
    tool_id: str
    request_id: str
    def __init__(self, session_id: _Optional[str] = ..., state: _Optional[_Union[CallState, str]] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ..., tool_id: _Optional[str] = ..., request_id: _Optional[str] = ...) -> None: ...

class ListCallsResponse(_message.Message):
    __slots__ = ("success", "error", "calls", "next_page_token")
    SUCCESS_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    CALLS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    success: bool
    error: ErrorInfo
    calls: _containers.RepeatedCompositeFieldContainer[CallStatus]
    next_page_token: str
    def __init__(self, success: bool = ..., error: _Optional[_Union[ErrorInfo, _Mapping]] = ..., calls: _Optional[_Iterable[_Union[CallStatus, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class CancelCallRequest(_message.Message):
    __slots__ = ("session_id", "request_id", "call_id")
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    CALL_ID_FIELD_NUMBER: _ClassVar[int]
    session_id: str
    request_id: str
    call_id: str
    def __init__(self, session_id: _Optional[str] = ..., request_id: _Optional[str] = ..., call_id: _Optional[str] = ...) -> None: ...

class CancelCallResponse(_message.Message):
    __slots__ = ("success", "error")
    SUCCESS_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    success: bool
    error: ErrorInfo
    def __init__(self, success: bool = ..., error: _Optional[_Union[ErrorInfo, _Mapping]] = ...) -> None: ...

class LinkMessage(_message.Message):
    __slots__ = ("ack", "frames")
    ACK_FIELD_NUMBER: _ClassVar[int]
    FRAMES_FIELD_NUMBER: _ClassVar[int]
    ack: int
    frames: _containers.RepeatedCompositeFieldContainer[Frame]
    def __init__(self, ack: _Optional[int] = ..., frames: _Optional[_Iterable[_Union[Frame, _Mapping]]] = ...) -> None: ...

class Frame(_message.Message):
    __slots__ = ("call_id", "call", "result", "chunk", "credit", "cancel", "progress", "log", "fragment", "register", "registered", "unregister", "tools_changed", "ping", "pong", "hello", "welcome", "drain", "authenticate", "protocol_error", "batch", "batch_result")
    CALL_ID_FIELD_NUMBER: _ClassVar[int]
    CALL_FIELD_NUMBER: _ClassVar[int]
    RESULT_FIELD_NUMBER: _ClassVar[int]
    CHUNK_FIELD_NUMBER: _ClassVar[int]
    CREDIT_FIELD_NUMBER: _ClassVar[int]
    CANCEL_FIELD_NUMBER: _ClassVar[int]
    PROGRESS_FIELD_NUMBER: _ClassVar[int]
    LOG_FIELD_NUMBER: _ClassVar[int]
    FRAGMENT_FIELD_NUMBER: _ClassVar[int]
    REGISTER_FIELD_NUMBER: _ClassVar[int]
    REGISTERED_FIELD_NUMBER: _ClassVar[int]
    UNREGISTER_FIELD_NUMBER: _ClassVar[int]
    TOOLS_CHANGED_FIELD_NUMBER: _ClassVar[int]
    PING_FIELD_NUMBER: _ClassVar[int]
    PONG_FIELD_NUMBER: _ClassVar[int]
    HELLO_FIELD_NUMBER: _ClassVar[int]
    WELCOME_FIELD_NUMBER: _ClassVar[int]
    DRAIN_FIELD_NUMBER: _ClassVar[int]
    AUTHENTICATE_FIELD_NUMBER: _ClassVar[int]
    PROTOCOL_ERROR_FIELD_NUMBER: _ClassVar[int]
    BATCH_FIELD_NUMBER: _ClassVar[int]
    BATCH_RESULT_FIELD_NUMBER: _ClassVar[int]
    call_id: int
    call: ToolCallRequest
    result: ToolCallResponse
    chunk: ToolStreamChunk
    credit: Credit
    cancel: Cancel
    progress: Progress
    log: LogRecord
    fragment: Fragment
    register: Register
    registered: Registered
    unregister: Unregister
    tools_changed: ToolsChanged
    ping: Ping
    pong: Pong
    hello: Hello
    welcome: Welcome
    drain: Drain
    authenticate: Authenticate
    protocol_error: ProtocolError
    batch: BatchExecuteToolsRequest
    batch_result: BatchExecuteToolsResponse
    def __init__(self, call_id: _Optional[int] = ..., call: _Optional[_Union[ToolCallRequest, _Mapping]] = ..., result: _Optional[_Union[ToolCallResponse, _Mapping]] = ..., chunk: _Optional[_Union[ToolStreamChunk, _Mapping]] = ..., credit: _Optional[_Union[Credit, _Mapping]] = ..., cancel: _Optional[_Union[Cancel, _Mapping]] = ..., progress: _Optional[_Union[Progress, _Mapping]] = ..., log: _Optional[_Union[LogRecord, _Mapping]] = ..., fragment: _Optional[_Union[Fragment, _Mapping]] = ..., register: _Optional[_Union[Register, _Mapping]] = ..., registered: _Optional[_Union[Registered, _Mapping]] = ..., unregister: _Optional[_Union[Unregister, _Mapping]] = ..., tools_changed: _Optional[_Union[ToolsChanged, _Mapping]] = ..., ping: _Optional[_Union[Ping, _Mapping]] = ..., pong: _Optional[_Union[Pong, _Mapping]] = ..., hello: _Optional[_Union[Hello, _Mapping]] = ..., welcome: _Optional[_Union[Welcome, _Mapping]] = ..., drain: _Optional[_Union[Drain, _Mapping]] = ..., authenticate: _Optional[_Union[Authenticate, _Mapping]] = ..., protocol_error: _Optional[_Union[ProtocolError, _Mapping]] = ..., batch: _Optional[_Union[BatchExecuteToolsRequest, _Mapping]] = ..., batch_result: _Optional[_Union[BatchExecuteToolsResponse, _Mapping]] = ...) -> None: ...

class Hello(_message.Message):
    __slots__ = ("revision", "min_revision", "identity", "incarnation", "received", "max_calls", "capabilities", "labels", "still_running", "token")
    class LabelsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    REVISION_FIELD_NUMBER: _ClassVar[int]
    MIN_REVISION_FIELD_NUMBER: _ClassVar[int]
    IDENTITY_FIELD_NUMBER: _ClassVar[int]
    INCARNATION_FIELD_NUMBER: _ClassVar[int]
    RECEIVED_FIELD_NUMBER: _ClassVar[int]
    MAX_CALLS_FIELD_NUMBER: _ClassVar[int]
    CAPABILITIES_FIELD_NUMBER: _ClassVar[int]
    LABELS_FIELD_NUMBER: _ClassVar[int]
    STILL_RUNNING_FIELD_NUMBER: _ClassVar[int]
    TOKEN_FIELD_NUMBER: _ClassVar[int]
    revision: int
    min_revision: int
    identity: str
    incarnation: str
    received: int
    max_calls: int
    capabilities: _containers.RepeatedScalarFieldContainer[str]
    labels: _containers.ScalarMap[str, str]
    still_running: int
    token: str
    def __init__(self, revision: _Optional[int] = ..., min_revision: _Optional[int] = ..., identity: _Optional[str] = ..., incarnation: _Optional[str] = ..., received: _Optional[int] = ..., max_calls: _Optional[int] = ..., capabilities: _Optional[_Iterable[str]] = ..., labels: _Optional[_Mapping[str, str]] = ..., still_running: _Optional[int] = ..., token: _Optional[str] = ...) -> None: ...

class Welcome(_message.Message):
    __slots__ = ("revision", "incarnation", "resumed", "received", "max_calls", "bridge_run", "capabilities", "limits", "reattach_grace_us", "ping_interval_us", "initial_credit")
    REVISION_FIELD_NUMBER: _ClassVar[int]
    INCARNATION_FIELD_NUMBER: _ClassVar[int]
    RESUMED_FIELD_NUMBER: _ClassVar[int]
    RECEIVED_FIELD_NUMBER: _ClassVar[int]
    MAX_CALLS_FIELD_NUMBER: _ClassVar[int]
    BRIDGE_RUN_FIELD_NUMBER: _ClassVar[int]
    CAPABILITIES_FIELD_NUMBER: _ClassVar[int]
    LIMITS_FIELD_NUMBER: _ClassVar[int]
    REATTACH_GRACE_US_FIELD_NUMBER: _ClassVar[int]
    PING_INTERVAL_US_FIELD_NUMBER: _ClassVar[int]
    INITIAL_CREDIT_FIELD_NUMBER: _ClassVar[int]
    revision: int
    incarnation: str
    resumed: bool
    received: int
    max_calls: int
    bridge_run: str
    capabilities: _containers.RepeatedScalarFieldContainer[str]
    limits: Limits
    reattach_grace_us: int
    ping_interval_us: int
    initial_credit: int
    def __init__(self, revision: _Optional[int] = ..., incarnation: _Optional[str] = ..., resumed: bool = ..., received: _Optional[int] = ..., max_calls: _Optional[int] = ..., bridge_run: _Optional[str] = ..., capabilities: _Optional[_Iterable[str]] = ..., limits: _Optional[_Union[Limits, _Mapping]] = ..., reattach_grace_us: _Optional[int] = ..., ping_interval_us: _Optional[int] = ..., initial_credit: _Optional[int] = ...) -> None: ...

class Credit(_message.Message):
    __slots__ = ("bytes",)
    BYTES_FIELD_NUMBER: _ClassVar[int]
    bytes: int
    def __init__(self, bytes: _Optional[int] = ...) -> None: ...

class Cancel(_message.Message):
    __slots__ = ("error",)
    ERROR_FIELD_NUMBER: _ClassVar[int]
    error: ErrorInfo
    def __init__(self, error: _Optional[_Union[ErrorInfo, _Mapping]] = ...) -> None: ...

class Progress(_message.Message):
    __slots__ = ("done", "total", "message")
    DONE_FIELD_NUMBER: _ClassVar[int]
    TOTAL_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    done: float
    total: float
    message: str
    def __init__(self, done: _Optional[float] = ..., total: _Optional[float] = ..., message: _Optional[str] = ...) -> None: ...

class LogRecord(_message.Message):
    __slots__ = ("time", "level", "message", "fields", "worker")
    class FieldsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    TIME_FIELD_NUMBER: _ClassVar[int]
    LEVEL_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    FIELDS_FIELD_NUMBER: _ClassVar[int]
    WORKER_FIELD_NUMBER: _ClassVar[int]
    time: _timestamp_pb2.Timestamp
    level: int
    message: str
    fields: _containers.ScalarMap[str, str]
    worker: str
    def __init__(self, time: _Optional[_Union[_timestamp_pb2.Timestamp, _Mapping]] = ..., level: _Optional[int] = ..., message: _Optional[str] = ..., fields: _Optional[_Mapping[str, str]] = ..., worker: _Optional[str] = ...) -> None: ...

class Fragment(_message.Message):
    __slots__ = ("id", "data", "total")
    ID_FIELD_NUMBER: _ClassVar[int]
    DATA_FIELD_NUMBER: _ClassVar[int]
    TOTAL_FIELD_NUMBER: _ClassVar[int]
    id: int
    data: bytes
    total: int
    def __init__(self, id: _Optional[int] = ..., data: _Optional[bytes] = ..., total: _Optional[int] = ...) -> None: ...

class Register(_message.Message):
    __slots__ = ("id", "tools")
    ID_FIELD_NUMBER: _ClassVar[int]
    TOOLS_FIELD_NUMBER: _ClassVar[int]
    id: int
    tools: _containers.RepeatedCompositeFieldContainer[ToolSpec]
    def __init__(self, id: _Optional[int] = ..., tools: _Optional[_Iterable[_Union[ToolSpec, _Mapping]]] = ...) -> None: ...

class Registered(_message.Message):
    __slots__ = ("id", "error", "tool_ids")
    ID_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    TOOL_IDS_FIELD_NUMBER: _ClassVar[int]
    id: int
    error: ErrorInfo
    tool_ids: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, id: _Optional[int] = ..., error: _Optional[_Union[ErrorInfo, _Mapping]] = ..., tool_ids: _Optional[_Iterable[str]] = ...) -> None: ...

class Unregister(_message.Message):
    __slots__ = ("id", "tool_ids", "session_id")
    ID_FIELD_NUMBER: _ClassVar[int]
    TOOL_IDS_FIELD_NUMBER: _ClassVar[int]
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    id: int
    tool_ids: _containers.RepeatedScalarFieldContainer[str]
    session_id: str
    def __init__(self, id: _Optional[int] = ..., tool_ids: _Optional[_Iterable[str]] = ..., session_id: _Optional[str] = ...) -> None: ...

class ToolsChanged(_message.Message):
    __slots__ = ("session_id", "revision")
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    REVISION_FIELD_NUMBER: _ClassVar[int]
    session_id: str
    revision: str
    def __init__(self, session_id: _Optional[str] = ..., revision: _Optional[str] = ...) -> None: ...

class Ping(_message.Message):
    __slots__ = ("id",)
    ID_FIELD_NUMBER: _ClassVar[int]
    id: int
    def __init__(self, id: _Optional[int] = ...) -> None: ...

class Pong(_message.Message):
    __slots__ = ("id",)
    ID_FIELD_NUMBER: _ClassVar[int]
    id: int
    def __init__(self, id: _Optional[int] = ...) -> None: ...

class Drain(_message.Message):
    __slots__ = ("reason", "deadline_us")
    REASON_FIELD_NUMBER: _ClassVar[int]
    DEADLINE_US_FIELD_NUMBER: _ClassVar[int]
    reason: str
    deadline_us: int
    def __init__(self, reason: _Optional[str] = ..., deadline_us: _Optional[int] = ...) -> None: ...

class Authenticate(_message.Message):
    __slots__ = ("token",)
    TOKEN_FIELD_NUMBER: _ClassVar[int]
    token: str
    def __init__(self, token: _Optional[str] = ...) -> None: ...

class ProtocolError(_message.Message):
    __slots__ = ("error",)
    ERROR_FIELD_NUMBER: _ClassVar[int]
    error: ErrorInfo
    def __init__(self, error: _Optional[_Union[ErrorInfo, _Mapping]] = ...) -> None: ...

class Value(_message.Message):
    __slots__ = ("kind", "int_value", "float_value", "text", "items", "texts", "ints", "floats", "keys", "data", "bool_value", "any")
    KIND_FIELD_NUMBER: _ClassVar[int]
    INT_VALUE_FIELD_NUMBER: _ClassVar[int]
    FLOAT_VALUE_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    ITEMS_FIELD_NUMBER: _ClassVar[int]
    TEXTS_FIELD_NUMBER: _ClassVar[int]
    INTS_FIELD_NUMBER: _ClassVar[int]
    FLOATS_FIELD_NUMBER: _ClassVar[int]
    KEYS_FIELD_NUMBER: _ClassVar[int]
    DATA_FIELD_NUMBER: _ClassVar[int]
    BOOL_VALUE_FIELD_NUMBER: _ClassVar[int]
    ANY_FIELD_NUMBER: _ClassVar[int]
    kind: ValueKind
    int_value: int
    float_value: float
    text: str
    items: _containers.RepeatedCompositeFieldContainer[Value]
    texts: _containers.RepeatedScalarFieldContainer[str]
    ints: _containers.RepeatedScalarFieldContainer[int]
    floats: _containers.RepeatedScalarFieldContainer[float]
    keys: _containers.RepeatedCompositeFieldContainer[Value]
    data: bytes
    bool_value: bool
    any: _any_pb2.Any
    def __init__(self, kind: _Optional[_Union[ValueKind, str]] = ..., int_value: _Optional[int] = ..., float_value: _Optional[float] = ..., text: _Optional[str] = ..., items: _Optional[_Iterable[_Union[Value, _Mapping]]] = ..., texts: _Optional[_Iterable[str]] = ..., ints: _Optional[_Iterable[int]] = ..., floats: _Optional[_Iterable[float]] = ..., keys: _Optional[_Iterable[_Union[Value, _Mapping]]] = ..., data: _Optional[bytes] = ..., bool_value: bool = ..., any: _Optional[_Union[_any_pb2.Any, _Mapping]] = ...) -> None: ...

class TableStream(_message.Message):
    __slots__ = ("index", "bytes")
    INDEX_FIELD_NUMBER: _ClassVar[int]
    BYTES_FIELD_NUMBER: _ClassVar[int]
    index: int
    bytes: int
    def __init__(self, index: _Optional[int] = ..., bytes: _Optional[int] = ...) -> None: ...

class Worker(_message.Message):
    __slots__ = ("identity", "incarnation", "state", "labels", "tools", "running", "max_calls", "attached_at", "address", "calls_total")
    class LabelsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    IDENTITY_FIELD_NUMBER: _ClassVar[int]
    INCARNATION_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    LABELS_FIELD_NUMBER: _ClassVar[int]
    TOOLS_FIELD_NUMBER: _ClassVar[int]
    RUNNING_FIELD_NUMBER: _ClassVar[int]
    MAX_CALLS_FIELD_NUMBER: _ClassVar[int]
    ATTACHED_AT_FIELD_NUMBER: _ClassVar[int]
    ADDRESS_FIELD_NUMBER: _ClassVar[int]
    CALLS_TOTAL_FIELD_NUMBER: _ClassVar[int]
    identity: str
    incarnation: str
    state: WorkerState
    labels: _containers.ScalarMap[str, str]
    tools: _containers.RepeatedCompositeFieldContainer[ToolSpec]
    running: int
    max_calls: int
    attached_at: _timestamp_pb2.Timestamp
    address: str
    calls_total: int
    def __init__(self, identity: _Optional[str] = ..., incarnation: _Optional[str] = ..., state: _Optional[_Union[WorkerState, str]] = ..., labels: _Optional[_Mapping[str, str]] = ..., tools: _Optional[_Iterable[_Union[ToolSpec, _Mapping]]] = ..., running: _Optional[int] = ..., max_calls: _Optional[int] = ..., attached_at: _Optional[_Union[_timestamp_pb2.Timestamp, _Mapping]] = ..., address: _Optional[str] = ..., calls_total: _Optional[int] = ...) -> None: ...

class ListWorkersRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ListWorkersResponse(_message.Message):
    __slots__ = ("success", "error", "workers", "bridge_run")
    SUCCESS_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    WORKERS_FIELD_NUMBER: _ClassVar[int]
    BRIDGE_RUN_FIELD_NUMBER: _ClassVar[int]
    success: bool
    error: ErrorInfo
    workers: _containers.RepeatedCompositeFieldContainer[Worker]
    bridge_run: str
    def __init__(self, success: bool = ..., error: _Optional[_Union[ErrorInfo, _Mapping]] = ..., workers: _Optional[_Iterable[_Union[Worker, _Mapping]]] = ..., bridge_run: _Optional[str] = ...) -> None: ...

class DrainWorkerRequest(_message.Message):
    __slots__ = ("identity", "deadline")
    IDENTITY_FIELD_NUMBER: _ClassVar[int]
    DEADLINE_FIELD_NUMBER: _ClassVar[int]
    identity: str
    deadline: _duration_pb2.Duration
    def __init__(self, identity: _Optional[str] = ..., deadline: _Optional[_Union[_duration_pb2.Duration, _Mapping]] = ...) -> None: ...

class DrainWorkerResponse(_message.Message):
    __slots__ = ("success", "error")
    SUCCESS_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    success: bool
    error: ErrorInfo
    def __init__(self, success: bool = ..., error: _Optional[_Union[ErrorInfo, _Mapping]] = ...) -> None: ...

class StreamLogsRequest(_message.Message):
    __slots__ = ("worker", "min_level", "follow")
    WORKER_FIELD_NUMBER: _ClassVar[int]
    MIN_LEVEL_FIELD_NUMBER: _ClassVar[int]
    FOLLOW_FIELD_NUMBER: _ClassVar[int]
    worker: str
    min_level: int
    follow: bool
    def __init__(self, worker: _Optional[str] = ..., min_level: _Optional[int] = ..., follow: bool = ...) -> None: ...

class Token(_message.Message):
    __slots__ = ("token_id", "principal", "grants", "created_at", "expires_at")
    TOKEN_ID_FIELD_NUMBER: _ClassVar[int]
    PRINCIPAL_FIELD_NUMBER: _ClassVar[int]
    GRANTS_FIELD_NUMBER: _ClassVar[int]
    CREATED_AT_FIELD_NUMBER: _ClassVar[int]
    EXPIRES_AT_FIELD_NUMBER: _ClassVar[int]
    token_id: str
    principal: str
    grants: _containers.RepeatedScalarFieldContainer[str]
    created_at: _timestamp_pb2.Timestamp
    expires_at: _timestamp_pb2.Timestamp
    def __init__(self, token_id: _Optional[str] = ..., principal: _Optional[str] = ..., grants: _Optional[_Iterable[str]] = ..., created_at: _Optional[_Union[_timestamp_pb2.Timestamp, _Mapping]] = ..., expires_at: _Optional[_Union[_timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class CreateTokenRequest(_message.Message):
    __slots__ = ("principal", "grants", "ttl")
    PRINCIPAL_FIELD_NUMBER: _ClassVar[int]
    GRANTS_FIELD_NUMBER: _ClassVar[int]
    TTL_FIELD_NUMBER: _ClassVar[int]
    principal: str
    grants: _containers.RepeatedScalarFieldContainer[str]
    ttl: _duration_pb2.Duration
    def __init__(self, principal: _Optional[str] = ..., grants: _Optional[_Iterable[str]] = ..., ttl: _Optional[_Union[_duration_pb2.Duration, _Mapping]] = ...) -> None: ...

class CreateTokenResponse(_message.Message):
    __slots__ = ("success", "error", "token", "secret")
    SUCCESS_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    TOKEN_FIELD_NUMBER: _ClassVar[int]
    SECRET_FIELD_NUMBER: _ClassVar[int]
    success: bool
    error: ErrorInfo
    token: Token
    secret: str
    def __init__(self, success: bool = ..., error: _Optional[_Union[ErrorInfo, _Mapping]] = ..., token: _Optional[_Union[Token, _Mapping]] = ..., secret: _Optional[str] = ...) -> None: ...

class ListTokensRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ListTokensResponse(_message.Message):
    __slots__ = ("success", "error", "tokens")
    SUCCESS_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    TOKENS_FIELD_NUMBER: _ClassVar[int]
    success: bool
    error: ErrorInfo
    tokens: _containers.RepeatedCompositeFieldContainer[Token]
    def __init__(self, success: bool = ..., error: _Optional[_Union[ErrorInfo, _Mapping]] = ..., tokens: _Optional[_Iterable[_Union[Token, _Mapping]]] = ...) -> None: ...

class RevokeTokenRequest(_message.Message):
    __slots__ = ("token_id",)
    TOKEN_ID_FIELD_NUMBER: _ClassVar[int]
    token_id: str
    def __init__(self, token_id: _Optional[str] = ...) -> None: ...

class RevokeTokenResponse(_message.Message):
    __slots__ = ("success", "error")
    SUCCESS_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    success: bool
    error: ErrorInfo
    def __init__(self, success: bool = ..., error: _Optional[_Union[ErrorInfo, _Mapping]] = ...) -> None: ...

class BackupRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class BackupChunk(_message.Message):
    __slots__ = ("data", "sha256")
    DATA_FIELD_NUMBER: _ClassVar[int]
    SHA256_FIELD_NUMBER: _ClassVar[int]
    data: bytes
    sha256: bytes
    def __init__(self, data: _Optional[bytes] = ..., sha256: _Optional[bytes] = ...) -> None: ...

class DoctorRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class DoctorResponse(_message.Message):
    __slots__ = ("success", "error", "findings")
    SUCCESS_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    FINDINGS_FIELD_NUMBER: _ClassVar[int]
    success: bool
    error: ErrorInfo
    findings: _containers.RepeatedCompositeFieldContainer[Finding]
    def __init__(self, success: bool = ..., error: _Optional[_Union[ErrorInfo, _Mapping]] = ..., findings: _Optional[_Iterable[_Union[Finding, _Mapping]]] = ...) -> None: ...

class Finding(_message.Message):
    __slots__ = ("part", "ok", "message")
    PART_FIELD_NUMBER: _ClassVar[int]
    OK_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    part: str
    ok: bool
    message: str
    def __init__(self, part: _Optional[str] = ..., ok: bool = ..., message: _Optional[str] = ...) -> None: ...
