using System.Net;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.RateLimiting;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Options;
using ReadStateStream.QueryApi.Commands;
using ReadStateStream.QueryApi.Http;
using ReadStateStream.QueryApi.Reads;
using ReadStateStream.QueryApi.Routing;
using ReadStateStream.QueryApi.Settings;
using ReadStateStream.QueryApi.Snapshots;
using ReadStateStream.QueryApi.Telemetry;
using ReadStateStream.Schemas.Connect;
using ReadStateStream.Snapshot;
using ReadStateStream.Snapshot.Files;

namespace ReadStateStream.QueryApi;

/// <summary>Wires the process in the order a question flows: HTTP, reads and commands, routing.</summary>
internal static class QueryApiHost
{
    private const string Concurrency = "v1";

    /// <summary>The application, ready to start; OptionsValidationException, or AggregateException of several, where settings refuse. <paramref name="replace"/> is for tests: services registered last win.</summary>
    public static WebApplication Build(string[] args, Action<IServiceCollection>? replace = null)
    {
        var builder = WebApplication.CreateBuilder(new WebApplicationOptions { Args = args, ContentRootPath = AppContext.BaseDirectory });
        builder.AddValidatedOptions();
        builder.WebHost.UseUrls(builder.Configuration[$"{ListenOptions.Section}:{nameof(ListenOptions.Url)}"] ?? new ListenOptions().Url);
        builder.WebHost.ConfigureKestrel(k => k.AddServerHeader = false);
        // Standard output carries the line that says where this process listens, and nothing else.
        builder.Logging.AddSimpleConsole(o => o.SingleLine = true);
        builder.Services.Configure<Microsoft.Extensions.Logging.Console.ConsoleLoggerOptions>(o => o.LogToStandardErrorThreshold = LogLevel.Trace);
        builder.Logging.AddFilter("Microsoft.AspNetCore", LogLevel.Warning);
        TelemetrySetup.AddTo(builder);
        AddHttp(builder.Services);
        AddQueries(builder.Services);
        AddRouting(builder.Services);
        AddSnapshots(builder.Services);
        replace?.Invoke(builder.Services);
        var app = builder.Build();
        // Before anything below reads a setting: all that are wrong are named together.
        app.Services.GetRequiredService<IStartupValidator>().Validate();
        Map(app);
        return app;
    }

    private static void AddHttp(IServiceCollection services)
    {
        services.TryAddSingleton(TimeProvider.System);
        services.ConfigureHttpJsonOptions(o => Strict(o.SerializerOptions));
        // Every request that is refused while it is bound ends in ProblemHandling, with its reason.
        services.Configure<RouteHandlerOptions>(o => o.ThrowOnBadRequest = true);
        services.AddProblemDetails();
        services.AddExceptionHandler<ProblemHandling>();
        services.AddRateLimiter(_ => { });
        services.AddOptions<RateLimiterOptions>().Configure<IOptions<AnswerOptions>>((limiter, answers) =>
        {
            limiter.RejectionStatusCode = StatusCodes.Status429TooManyRequests;
            limiter.OnRejected = async (rejected, _) =>
                await ProblemHandling.WriteAsync(rejected.HttpContext, Problems.TooManyRequests(answers.Value.RetryAfterSeconds));
            limiter.AddConcurrencyLimiter(Concurrency, c =>
            {
                c.PermitLimit = answers.Value.ConcurrencyMax;
                c.QueueLimit = answers.Value.QueueMax;
            });
        });
        OpenApiSetup.AddDocument(services);
    }

    // What the options of AnswerJson say, for bodies that the framework reads and writes.
    private static void Strict(JsonSerializerOptions json)
    {
        json.TypeInfoResolverChain.Insert(0, AnswerJson.Default);
        json.Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping; // JSON goes into no HTML here
        json.NumberHandling = JsonNumberHandling.Strict;
        json.PropertyNameCaseInsensitive = false;
        json.UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow;
        json.AllowDuplicateProperties = false;
        json.RespectNullableAnnotations = true;
        json.RespectRequiredConstructorParameters = true;
    }

    private static void AddQueries(IServiceCollection services)
    {
        services.AddSingleton<PositionWaits>();
        services.AddSingleton<ProcessorQuestions>();
        services.AddSingleton<AnswerRouting>();
        services.AddSingleton<BlockedUsersReader>();
        services.AddSingleton<StateReader>();
        services.AddSingleton<UserReader>();
        services.AddSingleton<IngestClient>();
        services.AddSingleton<CommandHandler>();
    }

    private static void AddRouting(IServiceCollection services)
    {
        services.AddSingleton<QueryMetrics>();
        services.AddSingleton<Router>();
        services.AddSingleton<OwnershipWatch>();
        services.AddSingleton<ResolveHost>((host, cancellation) => Dns.GetHostAddressesAsync(host, cancellation));
        services.AddSingleton(s => new HttpMessageInvoker(
            ConnectClient.CreateHandler(TimeSpan.FromMilliseconds(s.GetRequiredService<IOptions<RoutingOptions>>().Value.ConnectTimeoutMs))));
        services.AddHostedService<ProcessorDiscovery>();
    }

    // Made when a question first needs them: nothing of a store is touched where none is set.
    private static void AddSnapshots(IServiceCollection services)
    {
        services.AddSingleton<ISnapshotStore>(s => new FilesSnapshotStore(
            new FilesSnapshotOptions
            {
                Folder = s.GetRequiredService<IOptions<SnapshotOptions>>().Value.Folder!,
                CreateIfNew = false,
                Notice = s.GetRequiredService<ILogger<FilesSnapshotStore>>().SnapshotNoticed,
            },
            s.GetRequiredService<TimeProvider>()));
        services.AddSingleton<SnapshotCalls>();
        services.AddSingleton<SnapshotLineages>();
        services.AddSingleton<SnapshotReader>();
        services.AddSingleton<SnapshotAnswers>();
    }

    private static void Map(WebApplication app)
    {
        app.UseExceptionHandler();
        app.UseStatusCodePages(c => ProblemHandling.WriteAsync(c.HttpContext, Problems.OfStatus(c.HttpContext.Response.StatusCode, null)));
        app.UseRouting();
        app.UseRateLimiter();
        app.MapOpenApi();
        app.MapHealth();
        var answers = app.Services.GetRequiredService<IOptions<AnswerOptions>>().Value;
        var v1 = app.MapGroup("/v1").RequireRateLimiting(Concurrency).AddEndpointFilter<QueryDurationFilter>()
            .WithMetadata(new RequestSizeLimitAttribute(answers.BodyBytesMax));
        v1.MapReads();
        v1.MapCommands();
    }
}
