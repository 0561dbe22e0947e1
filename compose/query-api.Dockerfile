# Build from the repository's root: docker build -f compose/query-api.Dockerfile .
FROM mcr.microsoft.com/dotnet/sdk:10.0 AS build
WORKDIR /src
COPY . .
RUN dotnet publish query-api/QueryApi.csproj -c Release -o /app

# Chiseled: no shell, no package manager, not root.
FROM mcr.microsoft.com/dotnet/aspnet:10.0-noble-chiseled-extra
WORKDIR /app
COPY --from=build /app .
ENV Listen__Url=http://0.0.0.0:7072
EXPOSE 7072
USER $APP_UID
ENTRYPOINT ["./query-api"]
