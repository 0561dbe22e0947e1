using System.ComponentModel;
using Microsoft.AspNetCore.Mvc;
using Microsoft.Extensions.Options;
using ReadStateStream.QueryApi.Reads;
using ReadStateStream.QueryApi.Settings;

namespace ReadStateStream.QueryApi.Http;

/// <summary>What every question and command takes: tokens of earlier publishes, and how long to wait for them.</summary>
internal sealed class PositionParameters
{
    public const string TokenHeader = "Read-State-Token";

    [FromQuery(Name = "token")]
    [Description("Tokens of earlier publishes or commands, comma-separated or repeated: the answer contains them all.")]
    public string[]? Token { get; init; }

    [FromHeader(Name = TokenHeader)]
    [Description("The same as the parameter token; both are merged.")]
    public string? TokenInHeader { get; init; }

    [FromQuery(Name = "waitMs")]
    [Description("Longest wait for the tokens' positions, 0 .. 30,000 ms; absent: the setting Answers__DefaultWaitMs. After it: 409.")]
    public int? WaitMs { get; init; }
}

/// <summary>Reads position parameters; the wait begins with it.</summary>
internal sealed class PositionWaits(IOptions<AnswerOptions> options, TimeProvider time)
{
    public PositionWait Begin(PositionParameters parameters)
    {
        var waitMs = parameters.WaitMs ?? options.Value.DefaultWaitMs;
        if (waitMs is < 0 or > AnswerOptions.WaitMsMax)
            throw Problems.InvalidParameter("waitMs", $"waitMs must be 0 .. {AnswerOptions.WaitMsMax} (it is {waitMs})");
        var token = PublishTokens.Merge([.. parameters.Token ?? [], parameters.TokenInHeader]);
        return new PositionWait(token, TimeSpan.FromMilliseconds(waitMs), time);
    }
}
