using System.Reflection;
using Xunit.Sdk;
using Xunit.v3;

namespace Beadhub.Gateway.Tests.Stores;

/// <summary>xunit, but what is marked with <see cref="OnAnyStoreAttribute"/> is not found in the classes of the second store.</summary>
public sealed class StoresTestFramework : XunitTestFramework
{
    protected override ITestFrameworkDiscoverer CreateDiscoverer(Assembly assembly) =>
        new Discoverer(new XunitTestAssembly(assembly, null, assembly.GetName().Version));

    protected override ITestFrameworkExecutor CreateExecutor(Assembly assembly) =>
        new Executor(new XunitTestAssembly(assembly, null, assembly.GetName().Version));

    private sealed class Executor(IXunitTestAssembly assembly) : XunitTestFrameworkExecutor(assembly)
    {
        protected override ITestFrameworkDiscoverer CreateDiscoverer() => new Discoverer(TestAssembly);
    }

    private sealed class Discoverer(IXunitTestAssembly assembly) : XunitTestFrameworkDiscoverer(assembly)
    {
        protected override ValueTask<bool> FindTestsForMethod(
            IXunitTestMethod testMethod,
            ITestFrameworkDiscoveryOptions discoveryOptions,
            Func<ITestCase, ValueTask<bool>> discoveryCallback) =>
            IsRepeated(testMethod) ? new(true) : base.FindTestsForMethod(testMethod, discoveryOptions, discoveryCallback);

        private static bool IsRepeated(IXunitTestMethod method) =>
            method.TestClass.Class.Namespace == typeof(Postgres.Transport).Namespace
                && method.Method.IsDefined(typeof(OnAnyStoreAttribute));
    }
}
