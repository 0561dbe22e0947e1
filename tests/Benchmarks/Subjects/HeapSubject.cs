using ReadStateStream.Benchmarks.Traces;
using ReadStateStream.Fold;
using ReadStateStream.Partition.Decode;

namespace ReadStateStream.Benchmarks.Subjects;

/// <summary>
/// The same decoder and the same rules over objects in dictionaries: what one writes first, and what the
/// collector has to trace.
/// </summary>
internal sealed class HeapSubject : ISubject
{
    private readonly Dictionary<(ulong User, ulong Channel), ReadStateObject> states = [];
    private readonly Dictionary<ulong, ChannelObject> channels = [];
    private readonly Dictionary<ulong, List<ulong>> channelsOfUser = [];
    private readonly FactLists lists = new();
    private readonly StoredPolicy policy = StoredPolicy.From(new PolicyOptions());

    public void Apply(EventTrace trace, int first, int count)
    {
        lists.Clear();
        for (var i = first; i < first + count; i++)
        {
            var fact = new Fact { Offset = trace.FirstOffset + i };
            if (!FactDecoder.TryDecode(trace[i], ref fact, lists, out var error)) throw new InvalidDataException(error.Describe());
            error = FactContract.Check(fact, lists);
            if (error != DecodeError.None) throw new InvalidDataException(error.Describe());
            Fold(fact);
        }
    }

    public void Dispose()
    {
    }

    private void Fold(in Fact fact)
    {
        var listed = lists.Of(fact);
        switch (fact.Kind)
        {
            case FactKind.ChannelCreated:
                Channel(fact.Channel).Apply(fact, [], policy);
                foreach (var user in listed) State(user, fact.Channel).Apply(fact, policy);
                break;
            case FactKind.MessageSent:
                Channel(fact.Channel).Apply(fact, listed, policy);
                State(fact.User, fact.Channel).Apply(fact, policy);
                break;
            case FactKind.ChannelDeleted or FactKind.MessageEdited or FactKind.MessageDeleted or FactKind.MessagesPurged:
                Channel(fact.Channel).Apply(fact, listed, policy);
                break;
            case FactKind.UserBlocked or FactKind.DeadLetterResolved or FactKind.DeadLetterWaived:
                throw new NotSupportedException($"the traces hold no {fact.Kind}");
            default:
                State(fact.User, fact.Channel).Apply(fact, policy);
                break;
        }
    }

    private ChannelObject Channel(ulong id)
    {
        if (channels.TryGetValue(id, out var channel)) return channel;
        return channels[id] = new ChannelObject();
    }

    private ReadStateObject State(ulong user, ulong channel)
    {
        if (states.TryGetValue((user, channel), out var state)) return state;
        if (!channelsOfUser.TryGetValue(user, out var list)) channelsOfUser[user] = list = [];
        list.Add(channel);
        return states[(user, channel)] = new ReadStateObject();
    }
}
