# syntax=docker/dockerfile:1
# The base is a build argument: name your own mirror or a digest to pin it further.
ARG BASE=python:3.11.13-slim-bookworm

FROM ${BASE} AS build
WORKDIR /build
COPY requirements.lock pyproject.toml README.md ./
RUN python -m venv /opt/deskferry \
    && /opt/deskferry/bin/pip install --no-cache-dir --require-hashes -r requirements.lock \
    && /opt/deskferry/bin/pip install --no-cache-dir hatchling==1.33.0
COPY connectors connectors
COPY transforms transforms
COPY state state
COPY service service
COPY simulators simulators
RUN /opt/deskferry/bin/pip install --no-cache-dir --no-deps --no-build-isolation .

FROM ${BASE}
RUN groupadd --gid 10001 ferry \
    && useradd --uid 10001 --gid ferry --no-create-home --home-dir /ferry --shell /usr/sbin/nologin ferry \
    && install -d -o ferry -g ferry -m 0700 /ferry
COPY --from=build /opt/deskferry /opt/deskferry
ENV PATH=/opt/deskferry/bin:$PATH PYTHONUNBUFFERED=1
USER 10001:10001
WORKDIR /ferry
VOLUME ["/ferry"]
# A run that has written its state answers `status` at once, also while it works.
HEALTHCHECK --interval=30s --timeout=10s --start-period=20s \
    CMD ["deskferry", "--config", "/ferry/deskferry.yaml", "status", "--json"]
# SIGTERM drains: everything is durable within 10 seconds, exit code 7.
STOPSIGNAL SIGTERM
ENTRYPOINT ["deskferry", "--config", "/ferry/deskferry.yaml"]
CMD ["migrate"]
