FROM python:3.13-slim
WORKDIR /app
COPY pyproject.toml constraints.txt README.md ./
COPY domain domain
COPY projections projections
COPY adapters adapters
COPY api api
COPY docs/asyncapi docs/asyncapi
RUN pip install --no-cache-dir --constraint constraints.txt . \
 && useradd --system --create-home complaints \
 && install -d -o complaints /var/lib/complaints
ENV COMPLAINTS_DATA_DIR=/var/lib/complaints
USER complaints
ENTRYPOINT ["complaints"]
CMD ["--help"]
