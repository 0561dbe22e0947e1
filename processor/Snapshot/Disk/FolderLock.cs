namespace ReadStateStream.Snapshot.Disk;

/// <summary>Keeps other processes out of a folder. It ends with the process, too.</summary>
public static class FolderLock
{
    /// <summary>Takes it, until it is disposed.</summary>
    /// <param name="folder">Exists.</param>
    /// <param name="name">What lies there: <c>name.lock</c> is the file that is locked.</param>
    /// <exception cref="IOException">Another process has it.</exception>
    public static FileStream Take(string folder, string name)
    {
        try
        {
            return new FileStream(Path.Combine(folder, $"{name}.lock"), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
        }
        catch (IOException e)
        {
            throw new IOException($"The {name} in '{folder}' is open in another process, or its lock file cannot be opened: {e.Message}", e);
        }
    }
}
