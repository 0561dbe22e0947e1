namespace ReadStateStream.Host;

internal static class Program
{
    private static void Main() => Microsoft.AspNetCore.Builder.WebApplication.CreateBuilder().Build().Run();
}
