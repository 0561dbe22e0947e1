// The one place where the parts meet, in the order in which an event flows:
// log → partitions → queries → HTTP. Everything else knows ports only.
using Microsoft.AspNetCore.RateLimiting;
using ReadStateStream.Host.Health;
using ReadStateStream.Host.Http;
using ReadStateStream.Host.Ingest;
using ReadStateStream.Host.Observability;
using ReadStateStream.Host.PartitionQueries;
using ReadStateStream.Host.Settings;
using ReadStateStream.Partition;

namespace ReadStateStream.Host;

/// <summary>Composes the processor.</summary>
public static class Wiring
{
    /// <summary>Log and partitions: a broker's where one is named, else the embedded log; a store a partition.</summary>
    public static IProcessorParts CreateParts(IServiceProvider services)
    {
        var settings = services.GetRequiredService<ProcessorSettings>();
        var (time, telemetry) = (services.GetRequiredService<TimeProvider>(), services.GetRequiredService<Telemetry>());
        var loggers = services.GetRequiredService<ILoggerFactory>();
        return settings.Kafka.IsUsed
            ? new KafkaParts(settings, time, telemetry, loggers, services.GetRequiredService<IHostApplicationLifetime>())
            : new EmbeddedParts(settings, time, telemetry, loggers);
    }

    /// <summary>Builds the application; SettingException names a setting that is refused.</summary>
    /// <param name="args">Settings as <c>--Section:Key=value</c>, above the environment's.</param>
    /// <param name="createParts">Log and partitions; <see cref="CreateParts"/> but in tests.</param>
    /// <param name="ready">Where the line goes that says where the process listens.</param>
    /// <param name="time">The clock of everything.</param>
    public static WebApplication Build(
        string[] args, Func<IServiceProvider, IProcessorParts> createParts, TextWriter ready, TimeProvider time)
    {
        var builder = WebApplication.CreateSlimBuilder(new WebApplicationOptions
        {
            Args = args, ContentRootPath = AppContext.BaseDirectory,
        });
        builder.Services.AddSingleton(time).AddSingleton(new ReadyLine(ready));
        var settings = new ProcessorSettings(builder.Configuration);
        AddSettings(builder, settings);
        AddObservability(builder, settings.Telemetry);
        AddLogAndPartitions(builder, createParts);
        AddQueries(builder);
        AddIngest(builder, settings);
        AddServer(builder, settings);
        var app = builder.Build();
        MapHttp(app);
        return app;
    }

    private static void AddSettings(WebApplicationBuilder builder, ProcessorSettings settings)
    {
        settings.Register(builder.Services);
        var shutdown = TimeSpan.FromSeconds(settings.Processor.ShutdownSeconds);
        builder.Services.Configure<HostOptions>(host => host.ShutdownTimeout = shutdown);
    }

    private static void AddObservability(WebApplicationBuilder builder, TelemetryOptions options)
    {
        // Standard output has one line, the one that says "ready"; logs go to standard error.
        builder.Logging.ClearProviders();
        builder.Logging.AddSimpleConsole(console => console.SingleLine = true);
        builder.Services.Configure<Microsoft.Extensions.Logging.Console.ConsoleLoggerOptions>(
            console => console.LogToStandardErrorThreshold = LogLevel.Trace);
        builder.Logging.AddFilter("Microsoft.AspNetCore", LogLevel.Warning);
        // It logs a failed start with its stack; the run verb says the same in one line, or rethrows it.
        builder.Logging.AddFilter("Microsoft.Extensions.Hosting.Internal.Host", LogLevel.Critical);
        builder.Services.AddSingleton<Telemetry>();
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
        builder.Services.AddSingleton(services =>
        {
            var parts = services.GetRequiredService<IProcessorParts>();
            return new OwnedPartitions(() => parts.Partitions, parts.Topic.PartitionCount);
        });
        builder.Services.AddSingleton<PartitionQueryService>();
        builder.Services.AddSingleton<OwnershipFeed>();
        builder.Services.AddSingleton<ConnectEndpoints>();
    }

    // 3. Events into the log.
    private static void AddIngest(WebApplicationBuilder builder, ProcessorSettings settings)
    {
        var ingest = settings.Ingest;
        builder.Services.AddSingleton(services => CreateIngest(services, settings));
        builder.Services.AddRateLimiter(limits =>
        {
            limits.AddConcurrencyLimiter(IngestEndpoint.Concurrency, limit =>
                (limit.PermitLimit, limit.QueueLimit) = (ingest.MaxConcurrentRequests, ingest.MaxQueuedRequests));
            var tooMany = new Problem(429, "too-many-requests", "Too many requests are in flight",
                $"{ingest.MaxConcurrentRequests} are worked on and {ingest.MaxQueuedRequests} wait")
            { RetryAfterSeconds = ingest.RetryAfterSeconds };
            limits.OnRejected = (rejected, _) => new ValueTask(tooMany.WriteAsync(rejected.HttpContext));
        });
        builder.Services.AddOpenApi("v1", IngestOpenApi.Configure);
    }

    private static IngestEndpoint CreateIngest(IServiceProvider services, ProcessorSettings settings)
    {
        var parts = services.GetRequiredService<IProcessorParts>();
        var time = services.GetRequiredService<TimeProvider>();
        var (ingest, ids) = (settings.Ingest, settings.EventIds);
        var (epochUnixMs, aheadMs) = (ids.EpochUnixMs, ids.MaxAheadSeconds * 1_000L);
        var validator = new EventValidator(new EventLimits(
            parts.Topic.PartitionCount, epochUnixMs, aheadMs, ingest.MaxUsers, ingest.MaxReasonCharacters, ingest.MaxEventBytes));
        var stamper = settings.Kafka.IsUsed
            ? SharedStamper(settings, time, epochUnixMs, aheadMs)
            : new EventIdStamper(time, epochUnixMs, aheadMs, parts.Topic.GreatestStampedEventId);
        var pipeline = new IngestPipeline(parts.Topic, validator, stamper, ingest, parts.RefusalOf, parts.Names,
            services.GetRequiredService<Telemetry>(), time, services.GetRequiredService<ILogger<IngestPipeline>>());
        return new IngestEndpoint(pipeline, new IngestAnswer(parts.Topic.TopicIdentity, ingest), ingest);
    }

    /// <summary>Others stamp for the same log, which does not say who stamped what.</summary>
    private static EventIdStamper SharedStamper(ProcessorSettings settings, TimeProvider time, long epochUnixMs, long aheadMs)
    {
        var reservation = new StampReservation(settings.Processor.DataFolder);
        var node = settings.EventIds.Node >= 0 ? settings.EventIds.Node : Random.Shared.Next(EventIdStamper.NodeMax + 1);
        return new EventIdStamper(time, epochUnixMs, aheadMs, reservation.Greatest, node, reservation);
    }

    // 4. The listeners.
    private static void AddServer(WebApplicationBuilder builder, ProcessorSettings settings)
    {
        builder.WebHost.ConfigureKestrel(server => Listeners.Listen(server, settings.IngestAddress, settings.QueryAddress));
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
