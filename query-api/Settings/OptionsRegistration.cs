using System.ComponentModel.DataAnnotations;
using System.Reflection;
using Microsoft.Extensions.Options;

namespace ReadStateStream.QueryApi.Settings;

/// <summary>Binds and validates every section at start: a value out of range, or a name that does not exist, refuses to start.</summary>
internal static class OptionsRegistration
{
    public static void AddValidatedOptions(this IHostApplicationBuilder builder)
    {
        var configuration = builder.Configuration;
        builder.Services.AddSection<ListenOptions>(configuration, ListenOptions.Section, o => o.Errors());
        builder.Services.AddSection<AnswerOptions>(configuration, AnswerOptions.Section, _ => []);
        builder.Services.AddSection<RoutingOptions>(configuration, RoutingOptions.Section, o => o.Errors());
        builder.Services.AddSection<SnapshotOptions>(configuration, SnapshotOptions.Section, o => o.Errors());
        builder.Services.AddSection<SnapshotReadOptions>(configuration, SnapshotReadOptions.Section, o => o.Errors());
        builder.Services.Configure<RoutingOptions>(o =>
        {
            var listed = configuration.GetSection(RoutingOptions.ProcessorsSection).Get<string[]>() ?? [];
            o.Processors = listed.Length > 0 || o.DnsUrl is not null ? listed : [RoutingOptions.DefaultProcessor];
        });
    }

    private static void AddSection<T>(
        this IServiceCollection services, IConfiguration configuration, string section, Func<T, IEnumerable<string>> errors)
        where T : class
    {
        services.AddOptions<T>().Bind(configuration.GetSection(section)).ValidateOnStart();
        services.AddSingleton<IValidateOptions<T>>(new SectionValidation<T>(configuration.GetSection(section), errors));
    }

    private sealed class SectionValidation<T>(IConfigurationSection section, Func<T, IEnumerable<string>> errors) : IValidateOptions<T>
        where T : class
    {
        public ValidateOptionsResult Validate(string? name, T options)
        {
            List<string> all = [.. UnknownNames(), .. RangeErrors(options), .. errors(options)];
            return all.Count == 0 ? ValidateOptionsResult.Success : ValidateOptionsResult.Fail(all);
        }

        // A misspelt setting would else be silently without effect.
        private IEnumerable<string> UnknownNames()
        {
            var known = typeof(T).GetProperties().Where(p => p.PropertyType == typeof(string) || p.PropertyType == typeof(int)).Select(p => p.Name).ToList();
            return section.GetChildren().Select(c => c.Key)
                .Where(name => !known.Contains(name, StringComparer.OrdinalIgnoreCase))
                .Select(name => $"{section.Key}__{name} is no setting; there are {string.Join(", ", known)}");
        }

        private IEnumerable<string> RangeErrors(T options)
        {
            foreach (var property in typeof(T).GetProperties())
            {
                if (property.GetCustomAttribute<RangeAttribute>() is not { } range) continue;
                var value = property.GetValue(options);
                if (!range.IsValid(value))
                    yield return $"{section.Key}__{property.Name} must be {range.Minimum} .. {range.Maximum} (it is {value})";
            }
        }
    }
}
