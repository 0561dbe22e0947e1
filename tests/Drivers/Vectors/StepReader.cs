using System.Text.Json;
using ReadStateStream.Schemas.V1;

namespace ReadStateStream.Drivers.Vectors;

/// <summary>Takes the members of one step, each by its name and type; remembers which nobody asked for.</summary>
internal sealed class StepReader
{
    private readonly string id;
    private readonly int index;
    private readonly JsonElement element;
    private readonly Dictionary<string, ulong> users;
    private readonly Dictionary<string, ulong> channels;
    private readonly ulong firstId;
    private readonly HashSet<string> taken = new(StringComparer.Ordinal) { "op" };

    public StepReader(
        string id, int index, JsonElement element, Dictionary<string, ulong> users, Dictionary<string, ulong> channels, ulong firstId)
    {
        (this.id, this.index, this.element) = (id, index, element);
        (this.users, this.channels, this.firstId) = (users, channels, firstId);
        if (element.ValueKind != JsonValueKind.Object) throw new VectorFormatException(id, $"steps[{index}]: not an object");
        Op = Text("op", Required("op"));
    }

    public string Op { get; }

    public string Place => $"step {index} {element.GetRawText()}";

    public VectorFormatException Error(string member, string message) => new(id, $"steps[{index}].{member}: {message}");

    public EventStep Event(ChannelEvent fact) => new(Place, fact);

    public bool Has(string name) => element.TryGetProperty(name, out _);

    public ulong Channel() => IdOf(channels, Text("ch", Required("ch")));

    public ulong User(string name = "user") => IdOf(users, Text(name, Required(name)));

    public IEnumerable<ulong> Users(string name) =>
        Optional(name) is { } list ? [.. Names(name, list).Select(user => IdOf(users, user))] : [];

    public IReadOnlyList<ulong>? OptionalChannels(string name) =>
        Optional(name) is { } list ? [.. Names(name, list).Select(channel => IdOf(channels, channel))] : null;

    public ulong Id(string name) => Number(name, Required(name));

    public ulong? OptionalId(string name) =>
        Optional(name) is { ValueKind: not JsonValueKind.Null } value ? Number(name, value) : null;

    public int Index(string name)
    {
        var of = Number(name, Required(name));
        return of < (ulong)index ? (int)of : throw Error(name, $"{of} is no earlier step");
    }

    public bool Flag(string name) => OptionalFlag(name) ?? throw Error(name, "missing");

    public bool Flag(string name, bool byDefault) => OptionalFlag(name) ?? byDefault;

    public bool? OptionalFlag(string name) => Optional(name) is not { } value ? null : value.ValueKind switch
    {
        JsonValueKind.True => true,
        JsonValueKind.False => false,
        _ => throw Error(name, $"{value.GetRawText()} is neither true nor false"),
    };

    /// <summary>null: not named; 0: "main"; else a root's id.</summary>
    public ulong? OptionalThread()
    {
        if (Optional("thread") is not { } value) return null;
        if (value.ValueKind != JsonValueKind.String) return Number("thread", value);
        return value.GetString() == "main" ? 0UL : throw Error("thread", $"{value.GetRawText()} is neither \"main\" nor an id");
    }

    public T OneOf<T>(string name, Dictionary<string, T> values)
    {
        var text = Text(name, Required(name));
        return values.TryGetValue(text, out var value)
            ? value
            : throw Error(name, $"'{text}' is none of {string.Join(", ", values.Keys)}");
    }

    /// <summary>Refuses members that this op does not have: they would be ignored otherwise.</summary>
    public void RefuseOthers()
    {
        foreach (var member in element.EnumerateObject())
            if (!taken.Contains(member.Name)) throw Error(member.Name, $"'{Op}' has no such member");
    }

    private JsonElement? Optional(string name)
    {
        taken.Add(name);
        return element.TryGetProperty(name, out var value) ? value : null;
    }

    private JsonElement Required(string name) => Optional(name) ?? throw Error(name, "missing");

    private string Text(string name, JsonElement value) =>
        value.ValueKind == JsonValueKind.String ? value.GetString()! : throw Error(name, $"{value.GetRawText()} is no string");

    private ulong Number(string name, JsonElement value) =>
        value.ValueKind == JsonValueKind.Number && value.TryGetUInt64(out var number) && number <= long.MaxValue
            ? number
            : throw Error(name, $"{value.GetRawText()} is no integer from 0 to 2^63-1");

    private IEnumerable<string> Names(string name, JsonElement list) =>
        list.ValueKind == JsonValueKind.Array
            ? list.EnumerateArray().Select(item => Text(name, item))
            : throw Error(name, "no list");

    private ulong IdOf(Dictionary<string, ulong> ids, string name)
    {
        if (!ids.TryGetValue(name, out var number)) ids[name] = number = firstId + (ulong)ids.Count;
        return number;
    }
}
