using System.Text;
using ReadStateStream.Schemas.Connect;
using ReadStateStream.Schemas.V1;
using Xunit;

namespace ReadStateStream.Unit.Connect;

public class ConnectTests
{
    [Fact]
    public void An_envelope_is_flags_a_big_endian_length_and_the_payload()
    {
        var message = new GetUserRequest { UserId = 7, Partitions = { Enumerable.Range(0, 300).Select(i => (uint)i) } };
        var bytes = ConnectEnvelope.Encode(message);
        var size = message.CalculateSize();
        Assert.Equal([0, 0, 0, (byte)(size >> 8), (byte)size], bytes[..5]);
        Assert.Equal(message, GetUserRequest.Parser.ParseFrom(bytes, 5, bytes.Length - 5));
    }

    [Fact]
    public async Task Envelopes_are_read_one_by_one_however_the_bytes_arrive()
    {
        byte[] bytes = [.. ConnectEnvelope.Encode(new GetUserRequest { UserId = 7 }), .. ConnectEnvelope.Encode(new GetUserRequest()),
            .. ConnectEnvelope.EncodeEndOfStream(null)];
        using var stream = new DrippingStream(bytes);
        Assert.Equal(7UL, GetUserRequest.Parser.ParseFrom((await ReadAsync(stream))!.Value.Payload.Span).UserId);
        Assert.Equal(0, (await ReadAsync(stream))!.Value.Payload.Length);
        var end = (await ReadAsync(stream))!.Value;
        Assert.True(end.IsEndOfStream);
        Assert.Equal("{}", Encoding.UTF8.GetString(end.Payload.Span));
        Assert.Null(await ReadAsync(stream));
    }

    [Theory]
    [InlineData(new byte[] { 0, 0, 0 }, ConnectCode.Internal)]
    [InlineData(new byte[] { 0, 0, 0, 0, 2, 1 }, ConnectCode.Internal)]
    [InlineData(new byte[] { 1, 0, 0, 0, 0 }, ConnectCode.Internal)]
    [InlineData(new byte[] { 0, 0, 0, 3, 233 }, ConnectCode.ResourceExhausted)]
    [InlineData(new byte[] { 0, 255, 255, 255, 255 }, ConnectCode.ResourceExhausted)]
    public async Task Broken_and_oversized_envelopes_are_errors(byte[] bytes, ConnectCode code) =>
        Assert.Equal(code, (await Assert.ThrowsAsync<ConnectException>(() => ReadAsync(new MemoryStream(bytes)))).Code);

    [Fact]
    public void Every_code_has_its_name_and_comes_back_from_it()
    {
        foreach (var code in Enum.GetValues<ConnectCode>())
        {
            var snake = string.Concat(code.ToString().Select((c, i) => i > 0 && char.IsUpper(c) ? "_" + char.ToLowerInvariant(c) : char.ToLowerInvariant(c).ToString()));
            Assert.Equal(snake, code.Name());
            Assert.True(ConnectCodes.TryParse(snake, out var back));
            Assert.Equal(code, back);
            Assert.InRange(code.HttpStatus(), 400, 599);
            var error = ConnectError.FromUnaryBody(ConnectError.ToUnaryBody(new ConnectException(code, "why \"not\"")), code.HttpStatus());
            Assert.Equal((code, "why \"not\""), (error.Code, error.Message));
            var last = ConnectError.FromEndOfStream(ConnectError.ToEndOfStream(new ConnectException(code, "why")));
            Assert.Equal((code, "why"), (last!.Code, last.Message));
        }
        Assert.False(ConnectCodes.TryParse("Internal", out _));
    }

    [Theory]
    [InlineData("""{"code":"unavailable"}""", 503, ConnectCode.Unavailable)]
    [InlineData("""{"code":"made_up","message":"m"}""", 404, ConnectCode.Unimplemented)]
    [InlineData("<html>bad gateway</html>", 502, ConnectCode.Unavailable)]
    [InlineData("", 429, ConnectCode.Unavailable)]
    [InlineData("[]", 401, ConnectCode.Unauthenticated)]
    [InlineData("""{"code":7}""", 418, ConnectCode.Unknown)]
    public void A_foreign_body_is_judged_by_its_status(string body, int status, ConnectCode code) =>
        Assert.Equal(code, ConnectError.FromUnaryBody(Encoding.UTF8.GetBytes(body), status).Code);

    [Theory]
    [InlineData("{}", null)]
    [InlineData("""{"metadata":{"a":["b"]}}""", null)]
    [InlineData("""{"error":{"code":"canceled"}}""", ConnectCode.Canceled)]
    [InlineData("""{"error":{}}""", ConnectCode.Unknown)]
    [InlineData("7", ConnectCode.Internal)]
    [InlineData("{", ConnectCode.Internal)]
    public void The_end_of_a_stream_is_read(string payload, ConnectCode? code) =>
        Assert.Equal(code, ConnectError.FromEndOfStream(Encoding.UTF8.GetBytes(payload))?.Code);

    [Theory]
    [InlineData("0", 0L)]
    [InlineData("9999999999", 9_999_999_999)]
    [InlineData("10000000000", null)]
    [InlineData("-1", null)]
    [InlineData("", null)]
    [InlineData("1s", null)]
    public void A_timeout_has_at_most_ten_digits(string header, long? ms) =>
        Assert.Equal(ms, ConnectProtocol.TryParseTimeout(header, out var timeout) ? (long)timeout.TotalMilliseconds : null);

    private static Task<ConnectEnvelope?> ReadAsync(Stream stream) =>
        ConnectEnvelope.ReadAsync(stream, 1_000, TestContext.Current.CancellationToken);

    /// <summary>Gives one byte a read, as a slow network does.</summary>
    private sealed class DrippingStream(byte[] bytes) : MemoryStream(bytes)
    {
        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) =>
            base.ReadAsync(buffer[..Math.Min(1, buffer.Length)], cancellationToken);
    }
}
