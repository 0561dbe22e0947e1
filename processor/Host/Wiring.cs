// The one place where the parts meet, in the order in which an event flows:
// log → partitions → queries → HTTP. Everything else knows ports only.
using Microsoft.AspNetCore.RateLimiting;
using ReadStateStream.Fold;
using ReadStateStream.Host.Health;
using ReadStateStream.Host.Http;
using ReadStateStream.Host.Ingest;
using ReadStateStream.Host.Observability;
using ReadStateStream.Host.PartitionQueries;
using ReadStateStream.Host.Settings;
using ReadStateStream.Partition;
using ReadStateStream.Partition.Store;

namespace ReadStateStream.Host;

/// <summary>Composes the processor.</summary>
public static class Wiring
{
    /// <summary>Log and partitions: the embedded log, and a store a partition.</summary>
    public static IProcessorParts CreateParts(IServiceProvider services) =>
        new EmbeddedParts(
            services.GetRequiredService<ProcessorOptions>(), services.GetRequiredService<PolicyOptions>(),
            services.GetRequiredService<StoreOptions>(), services.GetRequiredService<EventIdOptions>(),
            services.GetRequiredService<IngestOptions>(), services.GetRequiredService<TimeProvider>(),
            services.GetRequiredService<Telemetry>(), services.GetRequiredService<ILoggerFactory>());

    /// <summary>Builds the application; SettingException names a setting that is refused.</summary>
    /// <param name="args">Settings as <c>--Section:Key=value</c>, above the environment's.</param>
    /// <param name="createParts">Log and partitions; <see cref="CreateParts"/> but in tests.</param>
    /// <param name="ready">Where the line goes that says where the process listens.</param>
    /// <param name="time">The clock of everything.</param>
    public static WebApplication Build(string[] args, Func<IServiceProvider, IProcessorParts> createParts, TextWriter ready, TimeProvider time)
    {
        var builder = WebApplication.CreateSlimBuilder(new WebApplicationOptions { Args = args, ContentRootPath = AppContext.BaseDirectory });
        builder.Services.AddSingleton(time).AddSingleton(new ReadyLine(ready));
        AddSettings(builder);
        AddObservability(builder);
        AddLogAndPartitions(builder, createParts);
        AddQueries(builder);
        AddIngest(builder);
        AddServer(builder);
        var app = builder.Build();
        MapHttp(app);
        return app;
    }

    private static void AddSettings(WebApplicationBuilder builder)
    {
        builder.Services.AddSection<ProcessorOptions>(builder.Configuration, "Processor");
        builder.Services.AddSection<EventIdOptions>(builder.Configuration, "EventIds");
        builder.Services.AddSection<PolicyOptions>(builder.Configuration, "Policy");
        builder.Services.AddSection<StoreOptions>(builder.Configuration, "Store");
        builder.Services.AddSection<IngestOptions>(builder.Configuration, "Ingest");
        builder.Services.AddSection<QueryOptions>(builder.Configuration, "Query");
        builder.Services.AddSection<TelemetryOptions>(builder.Configuration, "Telemetry");
        var processor = BoundSection.Read<ProcessorOptions>(builder.Configuration.GetSection("Processor"));
        builder.Services.Configure<HostOptions>(host => host.ShutdownTimeout = TimeSpan.FromSeconds(processor.ShutdownSeconds));
    }

    private static void AddObservability(WebApplicationBuilder builder)
    {
        // Standard output has one line, the one that says "ready"; logs go to standard error.
        builder.Logging.ClearProviders();
        builder.Logging.AddSimpleConsole(console => console.SingleLine = true);
        builder.Services.Configure<Microsoft.Extensions.Logging.Console.ConsoleLoggerOptions>(
            console => console.LogToStandardErrorThreshold = LogLevel.Trace);
        builder.Logging.AddFilter("Microsoft.AspNetCore", LogLevel.Warning);
        builder.Services.AddSingleton<Telemetry>();
        var options = BoundSection.Read<TelemetryOptions>(builder.Configuration.GetSection("Telemetry"));
        if (TelemetryExport.EndpointOf(options, builder.Configuration) is null) return;
        TelemetryExport.AddLogs(builder.Logging, options);
        builder.Services.AddSingleton(_ => TelemetryExport.Start(options));
    }

    // 1. The log and the partitions that fold it.
    private static void AddLogAndPartitions(WebApplicationBuilder builder, Func<IServiceProvider, IProcessorParts> createParts)
    {
        builder.Services.AddSingleton(createParts);
        builder.Services.AddHostedService<ProcessorLifetime>();
    }

    // 2. Questions to the partitions.
    private static void AddQueries(WebApplicationBuilder builder)
    {
        builder.Services.AddSingleton(services => services.GetRequiredService<IProcessorParts>() is var parts
            ? new OwnedPartitions(parts.Partitions, parts.Topic.PartitionCount)
            : throw new InvalidOperationException());
        builder.Services.AddSingleton<PartitionQueryService>();
        builder.Services.AddSingleton<OwnershipFeed>();
        builder.Services.AddSingleton<ConnectEndpoints>();
    }

    // 3. Events into the log.
    private static void AddIngest(WebApplicationBuilder builder)
    {
        builder.Services.AddSingleton(services =>
        {
            var (parts, ingest, ids) = (services.GetRequiredService<IProcessorParts>(), services.GetRequiredService<IngestOptions>(),
                services.GetRequiredService<EventIdOptions>());
            var aheadMs = ids.MaxAheadSeconds * 1_000L;
            var time = services.GetRequiredService<TimeProvider>();
            var validator = new EventValidator(new EventLimits(parts.Topic.PartitionCount, ids.EpochUnixMs, aheadMs,
                ingest.MaxUsers, ingest.MaxReasonCharacters, ingest.MaxEventBytes));
            var stamper = new EventIdStamper(time, ids.EpochUnixMs, aheadMs, parts.Topic.GreatestStampedEventId);
            var pipeline = new IngestPipeline(parts.Topic, validator, stamper, ingest, parts.Names,
                services.GetRequiredService<Telemetry>(), time, services.GetRequiredService<ILogger<IngestPipeline>>());
            return new IngestEndpoint(pipeline, new IngestAnswer(parts.Topic.TopicIdentity, ingest), ingest);
        });
        var options = BoundSection.Read<IngestOptions>(builder.Configuration.GetSection("Ingest"));
        builder.Services.AddRateLimiter(limits =>
        {
            limits.AddConcurrencyLimiter(IngestEndpoint.Concurrency, limit =>
                (limit.PermitLimit, limit.QueueLimit) = (options.MaxConcurrentRequests, options.MaxQueuedRequests));
            limits.OnRejected = (rejected, _) => new ValueTask(new Problem(429, "too-many-requests", "Too many requests are in flight",
                $"{options.MaxConcurrentRequests} are worked on and {options.MaxQueuedRequests} wait")
            { RetryAfterSeconds = options.RetryAfterSeconds }.WriteAsync(rejected.HttpContext));
        });
        builder.Services.AddOpenApi("v1", IngestOpenApi.Configure);
    }

    // 4. The listeners.
    private static void AddServer(WebApplicationBuilder builder)
    {
        var ingest = BoundSection.Read<IngestOptions>(builder.Configuration.GetSection("Ingest"));
        var query = BoundSection.Read<QueryOptions>(builder.Configuration.GetSection("Query"));
        builder.WebHost.ConfigureKestrel(server => Listeners.Listen(server, ingest, query));
        builder.Services.AddSingleton<ListenerAddresses>();
    }

    private static void MapHttp(WebApplication app)
    {
        app.UseMiddleware<ProblemMiddleware>();
        app.UseRouting();
        app.Use(next => context => Listeners.GuardAsync(context, next));
        app.UseRateLimiter();
        var ingest = app.MapGroup("").WithMetadata(new ListenerMark(Listener.Ingest));
        ingest.MapPost(IngestEndpoint.Path, (HttpContext context, IngestEndpoint endpoint) => endpoint.HandleAsync(context))
            .RequireRateLimiting(IngestEndpoint.Concurrency)
            .WithMetadata(new IngestEndpoint.BodyLimit(app.Services.GetRequiredService<IngestOptions>()))
            .Produces<EventAccepted>()
            .WithName("PublishEvents");
        ingest.MapOpenApi("/openapi/{documentName}.json");
        HealthEndpoints.Map(app);
        ConnectEndpoints.Map(app);
        // Starts the export before the first span, and has it disposed, so flushed, after everything else.
        app.Services.GetService<TelemetryExport>();
    }
}
