using ReadStateStream.Benchmarks.Traces;
using ReadStateStream.Fold;
using ReadStateStream.Partition.Decode;

namespace ReadStateStream.Benchmarks.Subjects;

/// <summary>Decodes events, checks the contract, and folds nothing.</summary>
internal sealed class DecodeSubject : ISubject
{
    private readonly FactLists lists = new();

    public void Apply(EventTrace trace, int first, int count)
    {
        lists.Clear();
        for (var i = first; i < first + count; i++)
        {
            var fact = new Fact { Offset = trace.FirstOffset + i };
            if (!FactDecoder.TryDecode(trace[i], ref fact, lists, out var error)) throw new InvalidDataException(error.Describe());
            error = FactContract.Check(fact, lists);
            if (error != DecodeError.None) throw new InvalidDataException(error.Describe());
        }
    }

    public void Dispose()
    {
    }
}
