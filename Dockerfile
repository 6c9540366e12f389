# A machine for the README's two commands, for systems that are no Debian:
#   docker build --platform linux/amd64 -t clew .  &&  docker run --rm -it clew      (or: docker run --rm clew make test)
FROM debian:13 AS tools
# What make itself needs to begin; it installs the rest and says so.
RUN apt-get update \
    && apt-get install -y --no-install-recommends ca-certificates git make python3 \
    && rm -rf /var/lib/apt/lists/*

FROM tools
WORKDIR /clew
COPY . .
RUN make run </dev/null
CMD ["make", "run"]
