# Two images from one file:
#   docker build --target app -t dlkeras .              the app: embedded model server and gallery
#   docker build --target serving -t dlkeras-serving .  stock TensorFlow Serving with the exported models

# Read by the last stage; a build argument for it must stand before the first one.
ARG TF_SERVING_VERSION=2.19.1

FROM python:3.12-slim AS base
RUN apt-get update && apt-get install -y --no-install-recommends make && rm -rf /var/lib/apt/lists/*
WORKDIR /dlkeras
# The packages change less often than the code: a layer of their own.
COPY requirements.txt constraints.txt ./
RUN pip install --no-cache-dir -c constraints.txt -r requirements.txt
COPY pyproject.toml README.md LICENSE ./
COPY dlkeras dlkeras
COPY serving serving
COPY apps apps
RUN pip install --no-cache-dir --no-deps -e .

FROM base AS exported
RUN dlkeras export --all --models /models

FROM base AS app
COPY --from=exported /models /models
RUN useradd --create-home dlkeras && chown -R dlkeras /models
USER dlkeras
EXPOSE 7860 8500 8501
CMD ["dlkeras", "up", "--models", "/models", "--host", "0.0.0.0"]

# An older TensorFlow Serving than the TensorFlow that writes: SavedModels are compatible both ways within version 2.
FROM tensorflow/serving:${TF_SERVING_VERSION} AS serving
COPY --from=exported /models /models
EXPOSE 8500 8501
# The image's own entry point serves one model by name; this one serves the list.
ENTRYPOINT ["tensorflow_model_server", "--port=8500", "--rest_api_port=8501", "--model_config_file=/models/models.config"]
