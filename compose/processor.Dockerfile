# Build from the repository's root: docker build -f compose/processor.Dockerfile .
FROM mcr.microsoft.com/dotnet/sdk:10.0 AS build
WORKDIR /src
COPY . .
RUN dotnet publish processor/Host/Host.csproj -c Release -o /app

# Chiseled: no shell, no package manager, not root.
FROM mcr.microsoft.com/dotnet/aspnet:10.0-noble-chiseled-extra
WORKDIR /app
COPY --from=build /app .
ENV Processor__DataFolder=/data Ingest__Url=http://0.0.0.0:7070 Query__Url=http://0.0.0.0:7071
EXPOSE 7070 7071
USER $APP_UID
ENTRYPOINT ["./processor"]
