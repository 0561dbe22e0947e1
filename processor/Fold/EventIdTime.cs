namespace ReadStateStream.Fold;

/// <summary>An event id is a snowflake: milliseconds since the deployment's epoch, then 22 bits.</summary>
public static class EventIdTime
{
    /// <summary>Bits below the milliseconds.</summary>
    public const int Shift = 22;
}
