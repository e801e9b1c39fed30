# The bridge: one static binary and a folder for its state, as a user who is nobody.
#
#   docker build -t toolbridge .
#   docker run -p 127.0.0.1:50051:50051 -p 127.0.0.1:8080:8080 -v toolbridge:/data toolbridge

FROM golang:1.26 AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
RUN CGO_ENABLED=0 go build -trimpath -ldflags='-s -w' -o /out/toolbridge ./cmd/toolbridge
RUN mkdir -m 0700 /out/data && mkdir -m 1777 /out/tmp

FROM scratch
COPY --from=build /out/toolbridge /usr/local/bin/toolbridge
COPY --from=build --chown=65532:65532 /out/data /data
COPY --from=build --chown=65532:65532 /out/tmp /tmp
USER 65532:65532
VOLUME /data
EXPOSE 50051 8080
ENTRYPOINT ["toolbridge"]
# A container is reached from outside only when it listens on all its addresses. The bridge refuses that without
# --insecure-listen, because it asks nobody for credentials: whoever reaches the port may call every tool. Publish it
# on 127.0.0.1, as above, or on a network of those who may.
CMD ["serve", "--grpc", "0.0.0.0:50051", "--http", "0.0.0.0:8080", "--insecure-listen", "--data", "/data"]
