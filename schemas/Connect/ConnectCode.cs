namespace ReadStateStream.Schemas.Connect;

/// <summary>Outcomes of a call that are not success, numbered as in gRPC.</summary>
public enum ConnectCode
{
    /// <summary>The caller gave up.</summary>
    Canceled = 1,
    /// <summary>Whatever has no code of its own.</summary>
    Unknown = 2,
    /// <summary>The request is wrong whatever the state of the service.</summary>
    InvalidArgument = 3,
    /// <summary>Not done in the time given; here also: the position asked for was not reached.</summary>
    DeadlineExceeded = 4,
    /// <summary>What was named is not there.</summary>
    NotFound = 5,
    /// <summary>What should be created is there already.</summary>
    AlreadyExists = 6,
    /// <summary>The caller may not.</summary>
    PermissionDenied = 7,
    /// <summary>A bound is reached; here: too many questions wait, or a message is too large.</summary>
    ResourceExhausted = 8,
    /// <summary>The request lacks what the state of the service asks for; here: whom a user blocked.</summary>
    FailedPrecondition = 9,
    /// <summary>A conflict with another call.</summary>
    Aborted = 10,
    /// <summary>Beyond the valid range.</summary>
    OutOfRange = 11,
    /// <summary>No such method, encoding or version.</summary>
    Unimplemented = 12,
    /// <summary>The service is broken.</summary>
    Internal = 13,
    /// <summary>Not now, or not here: the partition moved, fails or starts.</summary>
    Unavailable = 14,
    /// <summary>Data is lost.</summary>
    DataLoss = 15,
    /// <summary>The caller did not say who it is.</summary>
    Unauthenticated = 16,
}

/// <summary>Codes as the protocol writes them: snake case in JSON, and an HTTP status for unary answers.</summary>
public static class ConnectCodes
{
    private static readonly (ConnectCode Code, string Name, int HttpStatus)[] Table =
    [
        (ConnectCode.Canceled, "canceled", 499),
        (ConnectCode.Unknown, "unknown", 500),
        (ConnectCode.InvalidArgument, "invalid_argument", 400),
        (ConnectCode.DeadlineExceeded, "deadline_exceeded", 504),
        (ConnectCode.NotFound, "not_found", 404),
        (ConnectCode.AlreadyExists, "already_exists", 409),
        (ConnectCode.PermissionDenied, "permission_denied", 403),
        (ConnectCode.ResourceExhausted, "resource_exhausted", 429),
        (ConnectCode.FailedPrecondition, "failed_precondition", 400),
        (ConnectCode.Aborted, "aborted", 409),
        (ConnectCode.OutOfRange, "out_of_range", 400),
        (ConnectCode.Unimplemented, "unimplemented", 501),
        (ConnectCode.Internal, "internal", 500),
        (ConnectCode.Unavailable, "unavailable", 503),
        (ConnectCode.DataLoss, "data_loss", 500),
        (ConnectCode.Unauthenticated, "unauthenticated", 401),
    ];

    /// <summary>The code's name in error JSON.</summary>
    public static string Name(this ConnectCode code) => Row(code).Name;

    /// <summary>HTTP status of a unary answer with this code.</summary>
    public static int HttpStatus(this ConnectCode code) => Row(code).HttpStatus;

    /// <summary>Reads a name; false where it is none of the protocol's.</summary>
    public static bool TryParse(string? name, out ConnectCode code)
    {
        foreach (var row in Table)
        {
            if (row.Name != name) continue;
            code = row.Code;
            return true;
        }
        code = ConnectCode.Unknown;
        return false;
    }

    /// <summary>What an HTTP status means where the body is no Connect error (a proxy answered, say).</summary>
    public static ConnectCode FromHttpStatus(int status) => status switch
    {
        400 => ConnectCode.Internal,
        401 => ConnectCode.Unauthenticated,
        403 => ConnectCode.PermissionDenied,
        404 => ConnectCode.Unimplemented,
        429 or 502 or 503 or 504 => ConnectCode.Unavailable,
        _ => ConnectCode.Unknown,
    };

    private static (ConnectCode Code, string Name, int HttpStatus) Row(ConnectCode code) =>
        code is >= ConnectCode.Canceled and <= ConnectCode.Unauthenticated ? Table[(int)code - 1] : Table[1];
}
