# A container image with nothing in it but the server: no shell, no package manager, no root.
#
#   docker build -t troupe .
#   docker run --rm -p 127.0.0.1:2181:2181 -v troupe-data:/data troupe
#
# Every key of zoo.cfg can be given as a variable TROUPE_<KEY>: tickTime becomes TROUPE_TICK_TIME. Or mount a file and name
# it: `docker run ... -v "$PWD/zoo.cfg:/conf/zoo.cfg:ro" troupe serve /conf/zoo.cfg`. Variables win over the file.

FROM golang:1.26 AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
RUN CGO_ENABLED=0 go build -trimpath -buildvcs=false -ldflags="-s -w" -o /out/troupe ./cmd/troupe && mkdir -p /out/data

FROM scratch
COPY --from=build /out/troupe /usr/local/bin/troupe
# A new volume takes over the owner of the folder that it covers, so the server can write as the user below.
COPY --from=build --chown=65532:65532 /out/data /data
USER 65532:65532

# Without a configuration the server listens on loopback only, which nobody reaches in a container. Here the container's
# network is the fence, so both doors open to it; what leaves the machine is decided by the ports that are published.
ENV PATH=/usr/local/bin \
    TROUPE_DATA_DIR=/data \
    TROUPE_CLIENT_PORT_ADDRESS=0.0.0.0 \
    TROUPE_ADMIN_SERVER_ADDRESS=0.0.0.0

VOLUME /data
EXPOSE 2181 8080
STOPSIGNAL SIGTERM
ENTRYPOINT ["troupe"]
CMD ["serve"]
