using System.ComponentModel.DataAnnotations;

namespace ReadStateStream.Host.Persistence;

/// <summary>Section <c>Snapshot</c>: where the partitions' records outlive this machine's data folder.</summary>
public sealed class SnapshotOptions : IValidatableObject
{
    /// <summary>Checkpoints of this machine only.</summary>
    public const string None = "none";

    /// <summary>A folder, of this machine or a shared volume.</summary>
    public const string Files = "files";

    /// <summary><c>none</c> or <c>files</c>.</summary>
    [Required]
    public string Store { get; set; } = None;

    /// <summary>The folder of <c>files</c>, created where absent; relative to the working directory.</summary>
    public string Folder { get; set; } = "";

    /// <summary>Refuses a store that there is not, and <c>files</c> without a folder.</summary>
    public IEnumerable<ValidationResult> Validate(ValidationContext validationContext)
    {
        if (Store is not (None or Files))
            yield return new ValidationResult($"{nameof(Store)} must be '{None}' or '{Files}', not '{Store}'");
        if (Store == Files && string.IsNullOrWhiteSpace(Folder))
            yield return new ValidationResult($"{nameof(Folder)} must name the folder of the '{Files}' store");
    }
}
