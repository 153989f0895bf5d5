using Beadhub.Gateway.Http;
using Microsoft.AspNetCore.Http;

namespace Beadhub.Gateway.Tests;

/// <summary>A request whose client went away before it was carried out.</summary>
public sealed class LostClients
{
    [Fact]
    public async Task It_does_not_end_as_a_success_that_would_be_repeated()
    {
        var http = new DefaultHttpContext { RequestAborted = new(canceled: true) };
        await ErrorAnswers.Run(http, static _ => throw new OperationCanceledException());
        http.Response.StatusCode.ShouldBe(503);
    }
}
