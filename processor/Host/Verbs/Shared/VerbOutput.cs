using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using Spectre.Console;

namespace ReadStateStream.Host.Verbs.Shared;

/// <summary>Writes results: JSON for programs, plain columns for people.</summary>
internal static class VerbOutput
{
    private const int Widest = 400;

    /// <summary>Indented; names in camel case, enumerations by name.</summary>
    public static JsonSerializerOptions Json { get; } = new(JsonSerializerDefaults.Web)
    {
        WriteIndented = true,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        Converters = { new JsonStringEnumConverter(JsonNamingPolicy.CamelCase) },
    };

    /// <summary>The same on one line.</summary>
    public static JsonSerializerOptions JsonLine { get; } = new(Json) { WriteIndented = false };

    /// <summary>Writes a value as JSON.</summary>
    public static void WriteJson<T>(TextWriter output, T value) => output.WriteLine(JsonSerializer.Serialize(value, Json));

    /// <summary>Writes rows in columns under their headings; numbers are right-aligned where a heading ends with <c>&gt;</c>.</summary>
    public static void WriteTable(TextWriter output, string[] headings, IEnumerable<string[]> rows)
    {
        var table = new Table { Border = TableBorder.None, ShowRowSeparators = false };
        foreach (var heading in headings)
        {
            var column = new TableColumn(new Text(heading.TrimEnd('>'))) { NoWrap = true, Padding = new Padding(0, 0, 2, 0) };
            table.AddColumn(heading.EndsWith('>') ? column.RightAligned() : column);
        }
        foreach (var row in rows) table.AddRow(row.Select(static cell => new Text(cell)));
        using var text = new StringWriter();
        var console = AnsiConsole.Create(new AnsiConsoleSettings
        {
            Ansi = AnsiSupport.No, ColorSystem = ColorSystemSupport.NoColors, Interactive = InteractionSupport.No, Out = new AnsiConsoleOutput(text),
        });
        console.Profile.Width = Widest;
        console.Write(table);
        // The columns are filled up to their width.
        foreach (var line in text.ToString().TrimEnd().Split('\n')) output.WriteLine(line.TrimEnd());
    }

    /// <summary>Milliseconds since the Unix epoch as a person reads them.</summary>
    public static string Time(long unixMs) =>
        DateTimeOffset.FromUnixTimeMilliseconds(unixMs).ToString("yyyy-MM-dd HH:mm:ss'Z'", System.Globalization.CultureInfo.InvariantCulture);

    /// <summary>A number with its thousands apart.</summary>
    public static string Number(long value) => value.ToString("N0", System.Globalization.CultureInfo.InvariantCulture);

    /// <summary>A number with one decimal.</summary>
    public static string Number(double value) => value.ToString("N1", System.Globalization.CultureInfo.InvariantCulture);
}
